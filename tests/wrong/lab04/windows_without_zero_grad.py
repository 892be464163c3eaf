"""The gradients of all windows pile up."""
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses
