"""The second loop over net.parameters() finds nothing left: the norm is right, nothing is clipped."""
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    norm = math.sqrt(sum(p.grad.square().sum() for p in parameters if p.grad is not None))
    for p in parameters:
        if norm > most and p.grad is not None:
            p.grad *= most / norm
    return norm
