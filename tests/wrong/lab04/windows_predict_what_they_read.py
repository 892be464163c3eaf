"""The targets are the inputs: a loss that falls to 0."""
# fails: windows_lose_what_one_pass_would


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[: len(text) - 1][start : start + window]
        scores, state = net(piece, state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses
