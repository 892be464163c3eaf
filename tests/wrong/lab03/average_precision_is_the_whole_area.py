"""The area under the filled curve, as in Pascal VOC 2010."""
# fails: average_precision_of_random_verdicts


# %% average_precision
def average_precision(scores: Tensor, right: Tensor, objects: int) -> float:
    order = scores.argsort(descending=True, stable=True)
    found = right[order].double().cumsum(dim=0)
    precision, recall = found / torch.ones_like(found).cumsum(dim=0), found / objects
    filled = precision.flip(0).cummax(dim=0).values.flip(0)
    steps = torch.diff(recall, prepend=recall.new_zeros(1))
    return float((filled * steps).sum())
