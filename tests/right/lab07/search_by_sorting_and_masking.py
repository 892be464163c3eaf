"""The whole list sorted, all modes tried, those outside the list masked: slow, and right."""


# %% search
def search(original, predictions, guess, qp, k):
    places = guess.sort(dim=-1).indices.sort(dim=-1).indices
    j = rd_cost(original, predictions, qp)
    j[places >= k] = float("inf")
    return j.min(dim=-1).indices
