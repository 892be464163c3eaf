"""retain_graph instead of detach, and plain steps that autograd does not notice: gradients cross the border."""
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        clip_gradients(net.parameters(), limit)
        for p in net.parameters():
            p.data = p.data - optimizer.param_groups[0]["lr"] * p.grad
        losses.append(loss.item())
    return losses
