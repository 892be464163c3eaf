"""A parameter that took no part in the loss stops it."""
# fails: clipping_without_some_gradients


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters]
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return norm
