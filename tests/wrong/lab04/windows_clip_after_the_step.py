"""The gradient is clipped when it has done its work."""
# fails: windows_are_clipped


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        clip_gradients(net.parameters(), limit)
        losses.append(loss.item())
    return losses
