"""Each number is cut to the limit instead of the whole vector."""
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    for gradient in gradients:
        gradient.clamp_(-most, most)
    return norm
