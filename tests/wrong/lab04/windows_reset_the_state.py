"""Each window starts from nothing."""
# fails: windows_lose_what_one_pass_would


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses = []
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, _ = net(piece[:-1])
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses
