"""Every gradient gets the length of the limit, the short ones too."""
# fails: clipping_leaves_short_gradients_alone


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    for gradient in gradients:
        gradient *= most / (norm + 1e-6)
    return norm
