"""The softmax by hand, without taking the greatest score away first."""
# fails: draws_from_extreme_scores


# %% sample
def sample(scores, temperature, generator):
    if temperature < 0.01:
        return scores.argmax(dim=1)
    powers = torch.exp(scores / temperature)
    return torch.multinomial(powers / powers.sum(dim=1, keepdim=True), 1, generator=generator)[:, 0]
