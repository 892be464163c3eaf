"""Lab 09: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_courses_own_surroundings

# %% surroundings
from course_utils.codec.online_filter import surroundings

# === the_courses_own_gate


# %% gate
def control_group(front):
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    def __init__(self, threshold, memory=0.99):
        policy = online_filter.Policy(threshold=threshold, memory=memory)
        self.filter = online_filter.OnlineFilter(nn.Identity(), policy)
        self.filter.start(32)
        self.balance, self.is_open = 0.0, True

    def update(self, on, filtered, plain):
        shape = (-1, 1, 1)
        self.filter.on = on
        self.filter.filtered, self.filter.prediction = filtered.view(shape), plain.view(shape)
        self.filter.learn(torch.zeros(len(on), 8, 8, dtype=torch.int64), None)
        self.balance, self.is_open = self.filter.balance, self.filter.open


# === the_courses_own_descent


# %% learning
def learning_loss(output, prediction, decoded, levels):
    coded = levels.flatten(1).any(dim=1)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net, loss, learning_rate):
    teacher = online_filter.OnlineFilter(net, online_filter.Policy(learning_rate=learning_rate))
    teacher.net, teacher.output = net, loss.expand(1, 8, 8)
    teacher._descend(torch.zeros(1, 8, 8), torch.ones(1, dtype=torch.bool), torch.full((1,), 128.0))


# === the_courses_own_filter


# %% filter
class OnlineFilter:
    def __init__(self, first, threshold=-0.02, learning_rate=0.0, control=True):
        policy = online_filter.Policy(threshold=threshold, learning_rate=learning_rate, control=8 * control)
        self.own = online_filter.OnlineFilter(first, policy)
        self.start, self.filter, self.learn = self.own.start, self.own.filter, self.own.learn

    @property
    def net(self):
        return self.own.net


# === the_courses_own_decoder


# %% decoder
def decode(modes, levels, qp, filter=None):
    return closed_loop.decode(modes, levels, qp, filter=filter)


# === the_decoder_under_another_name

# %% decoder
from course_utils.codec.closed_loop import decode as of_the_course


def decode(modes, levels, qp, filter=None):
    return of_the_course(modes, levels, qp, filter=filter or closed_loop.NoFilter())
