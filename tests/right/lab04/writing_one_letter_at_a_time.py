"""Reads the start letter by letter, and fills the result in place."""


# %% write
def write(net, start, length, temperature, generator):
    state, result = None, torch.zeros(length, dtype=torch.long, device=start.device)
    with torch.inference_mode():
        for letter in start:
            scores, state = net(letter.reshape(1, 1), state)
        for k in range(length):
            result[k] = sample(scores[0], temperature, generator)[0]
            if k + 1 < length:
                scores, state = net(result[k].reshape(1, 1), state)
    return result
