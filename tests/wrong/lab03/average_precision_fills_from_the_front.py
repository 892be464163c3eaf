"""The running maximum from the front: no mistake ever lowers the precision."""
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.cummax(dim=0).values
    readings = torch.arange(101).to(recall) / 100
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].sum() / 101)  # a recall that is never reached adds 0
