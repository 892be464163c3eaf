"""The gradients are there, and no weight moves."""
# fails: a_trained_network_knows_pictures_it_never_saw


# %% train_cnn
def train_cnn(images, labels):
    model = nn.Sequential(
        nn.BatchNorm2d(1, affine=False),
        nn.Conv2d(1, 16, 5, 2, 2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 14 * 14, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for rows in torch.randperm(len(images)).split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(images[rows]), labels[rows]).backward()
    return model.eval()
