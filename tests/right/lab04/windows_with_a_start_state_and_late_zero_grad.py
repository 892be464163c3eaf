"""Zeros as first state, gradients cleared after each step, losses as one tensor, torch's own clipping."""


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    optimizer.zero_grad(set_to_none=False)
    criterion = nn.CrossEntropyLoss()
    inputs, targets = text[:-1], text[1:]
    zeros = torch.zeros(1, text.shape[1], net.lstm.hidden_size, dtype=net.head.weight.dtype, device=text.device)
    h, c = zeros, zeros.clone()
    history = torch.zeros(-(-len(inputs) // window), dtype=torch.float64)
    at = 0
    while at < len(inputs):
        out, (h, c) = net(inputs[at : at + window], (h.detach(), c.detach()))
        loss = criterion(out.permute(1, 2, 0), targets[at : at + window].transpose(0, 1))
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), limit)
        optimizer.step()
        optimizer.zero_grad()
        history[at // window] = loss.detach()
        at += window
    return history
