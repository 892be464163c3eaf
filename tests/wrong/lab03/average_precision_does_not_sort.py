"""Takes the detections in the order in which they come."""
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    found = right.double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.flip(0).cummax(dim=0).values.flip(0)
    readings = torch.arange(101).to(recall) / 100
    at = torch.searchsorted(recall, readings)
    return float(filled[at[at < len(filled)]].sum() / 101)  # a recall that is never reached adds 0
