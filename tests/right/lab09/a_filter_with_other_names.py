"""A filter with its state in a dictionary, that runs the network twice, and loads the first weights, not copies."""


# %% filter
class OnlineFilter:
    def __init__(self, first, threshold=-0.02, learning_rate=0.0, control=True):
        self.weights = {name: value.clone() for name, value in first.state_dict().items()}
        self.net = copy.deepcopy(first)
        self.settings = (threshold, learning_rate, control)

    def start(self, qp):
        self.net.load_state_dict(self.weights)
        self.gate = Gate(self.settings[0])
        self.quantiser = qp

    def filter(self, canvas, front, prediction):
        seen = surroundings(canvas, front, prediction)
        with torch.no_grad():
            mended = torch.clamp(torch.round(self.net(*seen, self.quantiser)), 0, 255).to(torch.int64)
        which = torch.tensor([self.gate.is_open] * len(front))
        if self.settings[2]:
            which = which != control_group(front)
        self.last = {"seen": seen, "plain": prediction, "mended": mended, "which": which}
        coded_from = prediction.clone()
        coded_from[which] = mended[which]
        return coded_from

    def learn(self, decoded, levels):
        last = self.last
        if self.settings[1]:
            loss = learning_loss(self.net(*last["seen"], self.quantiser), last["plain"], decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.settings[1])
        self.gate.update(
            last["which"], transforms.satd(last["mended"] - decoded), transforms.satd(last["plain"] - decoded)
        )
