"""The last window is left out where it is not full."""
# fails: windows_need_not_fit_the_text


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for k in range((len(text) - 1) // window):
        piece = text[k * window : (k + 1) * window + 1]
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses
