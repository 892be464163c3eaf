"""Block by block in Python loops, entropy by torch.distributions-free arithmetic."""


# %% flags
def wanted(off, on, original, size):
    off, on, original = off.int(), on.int(), original.int()
    count, height, width = original.shape
    rows, columns = math.ceil(height / size), math.ceil(width / size)
    result = torch.zeros(count, rows, columns, dtype=torch.bool)
    for n in range(count):
        for r in range(rows):
            for c in range(columns):
                block = (n, slice(r * size, (r + 1) * size), slice(c * size, (c + 1) * size))
                before = ((off[block] - original[block]) ** 2).sum()
                after = ((on[block] - original[block]) ** 2).sum()
                result[n, r, c] = after < before
    return result


def mixed(chosen, off, on, size):
    result = off.clone()
    for n, r, c in chosen.nonzero().tolist():
        rows, columns = slice(r * size, (r + 1) * size), slice(c * size, (c + 1) * size)
        result[n, rows, columns] = on[n, rows, columns]
    return result


def ideal_bits(chosen):
    bits = []
    for each in chosen:
        count, on = each.numel(), int(each.sum())
        off = count - on
        bits.append(sum(-k * math.log2(k / count) for k in (on, off) if k))
    return torch.tensor(bits, dtype=torch.float64)
