"""Exactly the limit counts as harm."""
# fails: choices_at_the_edge


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items() if max(values) < harm}
    return min(means, key=means.get, default=None)
