"""Windows of text are cut first and shifted then: the last character of each is never read."""
# fails: windows_lose_what_one_pass_would


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for piece in text.split(window):
        if len(piece) < 2:
            continue
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses
