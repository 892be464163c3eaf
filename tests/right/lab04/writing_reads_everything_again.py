"""No state at all: the whole text is read again for each character. Slow, and right; gradients are not switched off."""


# %% write
def write(net, start, length, temperature, generator):
    text = start.clone()
    while len(text) < len(start) + length:
        with torch.enable_grad():
            scores = net(text.view(-1, 1))[0]
        text = torch.cat((text, sample(scores[-1].detach(), temperature, generator)))
    return text[len(start) :]
