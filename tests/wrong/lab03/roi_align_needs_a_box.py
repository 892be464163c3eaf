"""One box at a time, stacked at the end: there is nothing to stack where there is no box."""
# fails: roi_align_at_the_edge


# %% roi_align
def roi_align(features, boxes, size, spatial_scale=1.0, samples=2):
    one_by_one = [
        ops.roi_align(features[None], [box[None]], size, spatial_scale, samples, aligned=True)[0] for box in boxes
    ]
    return torch.stack(one_by_one)
