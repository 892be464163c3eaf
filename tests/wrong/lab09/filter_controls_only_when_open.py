"""The control group is never filtered: a closed gate stays closed."""
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on &= ~control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)
