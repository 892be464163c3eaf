"""Lab 08: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_courses_own_scale


# %% scale
def step_size(qp):
    return 255 * networks.step_size(qp)


def centred(pictures):
    return networks.centred(pictures)


def corrected(pictures, correction, qp):
    return pictures + 0.25 * networks.step_size(qp).view(-1, 1, 1, 1) * correction


def to_picture(pictures):
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === the_courses_own_network

# %% vrcnn
from course_utils.codec.loop_filter.networks import VRCNN

# === the_network_by_its_name


# %% vrcnn
def VRCNN():
    return networks.build("vrcnn")


# === the_courses_own_gate


# %% gate
class Gate(networks.Gate):
    def __init__(self, channels, side, hidden=8):
        super().__init__(channels, side, hidden=hidden, block=10**6)

    def forward(self, features, side):
        return super().forward(features, side[:, :, None, None])


# === the_courses_own_filter


# %% residual
def side_information(pictures, qp):
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


class ResidualFilter(networks.GatedFilter):
    def __init__(self, qp_at="everywhere", channels=32, blocks=3):
        super().__init__(channels=channels)


# === the_courses_own_flags

# %% flags
wanted, mixed = flags.choose, flags.apply


def ideal_bits(chosen):
    return flags.bits(chosen).double()
