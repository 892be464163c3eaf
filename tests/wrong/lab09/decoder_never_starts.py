"""The filter is not told that a picture begins."""
# fails: decoders_with_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded
