"""Every map has a number; a set says which are kept, a dict how large they are."""


# %% training_cost
def training_cost(layers, shape):
    n, c, h, w = shape
    weights, extra = 0, 0
    sizes, kept = {0: n * c * h * w}, set()
    for index, layer in enumerate(layers):
        match layer:
            case ["conv", o, k, s, p]:
                weights += o * c * k * k + o
                kept.add(index)
                c, h, w = o, (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
            case ["norm"]:
                weights += c + c
                extra += 2 * 4 * c
                kept.add(index)
            case ["relu"]:
                kept.add(index + 1)
            case ["pool", k, s, p]:
                kept.add(index)
                h, w = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
                extra += n * c * h * w * 8
            case ["mean"]:
                h, w = 1, 1
            case ["linear", o]:
                weights += o * c * h * w + o
                kept.add(index)
                c, h, w = o, 1, 1
        sizes[index + 1] = n * c * h * w
    return [weights, extra + 4 * sum(sizes[index] for index in kept)]
