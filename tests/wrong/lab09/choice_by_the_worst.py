"""The setting whose worst picture is best."""
# fails: choices_from_random_grids


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: max(values) for setting, values in grid.items() if max(values) <= harm}
    return min(means, key=means.get, default=None)
