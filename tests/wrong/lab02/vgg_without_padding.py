"""Each convolution cuts a rim off."""
# fails: vgg_stage_with_batch_norm, vgg_stage_without_batch_norm


# %% vgg_stage
def vgg_stage(inputs: int, width: int, convs: int, norm: bool = True) -> nn.Module:
    """A stage of VGG: (N, inputs, H, W) to (N, width, H // 2, W // 2)."""
    layers: list[nn.Module] = []
    for number in range(convs):
        layers.append(nn.Conv2d(width if number else inputs, width, kernel_size=3))
        if norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.MaxPool2d(2))
