"""Wrong answers to lab04: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === clipping_adds_norms
# The norms are added, not their squares.
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = float(sum(gradient.norm() for gradient in gradients))
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return norm


# === clipping_by_value
# Each number is cut to the limit instead of the whole vector.
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    for gradient in gradients:
        gradient.clamp_(-most, most)
    return norm


# === clipping_divides_by_zero
# Without an if: gradients that are all 0 have the norm 0.
# fails: clipping_without_some_gradients


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    factor = min(1.0, most / norm)
    for gradient in gradients:
        gradient *= factor
    return norm


# === clipping_each_parameter_alone
# Each gradient gets its own norm and its own factor: the direction changes.
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    for gradient in gradients:
        if gradient.norm() > most:
            gradient *= most / gradient.norm()
    return math.sqrt(sum(gradient.square().sum() for gradient in gradients))


# === clipping_expects_every_gradient
# A parameter that took no part in the loss stops it.
# fails: clipping_without_some_gradients


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters]
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return norm


# === clipping_lengthens_short_gradients
# Every gradient gets the length of the limit, the short ones too.
# fails: clipping_leaves_short_gradients_alone


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    for gradient in gradients:
        gradient *= most / (norm + 1e-6)
    return norm


# === clipping_makes_new_gradients
# The scaled gradients are computed and thrown away.
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    if norm > most:
        gradients = [gradient * most / norm for gradient in gradients]
    return norm


# === clipping_returns_the_norm_after
# The norm is taken once more at the end.
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return math.sqrt(sum(gradient.square().sum() for gradient in gradients))


# === clipping_walks_twice
# The second loop over net.parameters() finds nothing left: the norm is right, nothing is clipped.
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    norm = math.sqrt(sum(p.grad.square().sum() for p in parameters if p.grad is not None))
    for p in parameters:
        if norm > most and p.grad is not None:
            p.grad *= most / norm
    return norm


# === draws_divide_after_the_softmax
# Probabilities divided by the temperature: multinomial normalises it away.
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    chances = torch.softmax(scores, dim=1) / temperature
    return torch.multinomial(chances, 1, generator=generator)[:, 0]


# === draws_divide_by_zero
# Temperature 0 is not thought of.
# fails: draws_without_temperature, writing_at_temperature_0


# %% sample
def sample(scores, temperature, generator):
    chances = torch.softmax(scores / temperature, dim=1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]


# === draws_exponential_overflows
# The softmax by hand, without taking the greatest score away first.
# fails: draws_from_extreme_scores


# %% sample
def sample(scores, temperature, generator):
    if temperature < 0.01:
        return scores.argmax(dim=1)
    powers = torch.exp(scores / temperature)
    return torch.multinomial(powers / powers.sum(dim=1, keepdim=True), 1, generator=generator)[:, 0]


# === draws_from_the_global_generator
# The generator that is passed in is not used.
# fails: draws_come_from_the_generator, writing_repeats_with_its_seed


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    return torch.distributions.Categorical(logits=scores / temperature).sample()


# === draws_multiply_by_the_temperature
# The scores are multiplied: a high temperature sharpens.
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    chances = torch.softmax(scores * temperature, dim=1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]


# === draws_one_number_for_all_rows
# One uniform number decides all rows of the batch.
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    edges = torch.softmax(scores / temperature, dim=1).cumsum(dim=1)
    u = torch.rand((), generator=generator, dtype=edges.dtype)
    return (edges < u).sum(dim=1).clamp(max=scores.shape[1] - 1)


# === draws_seed_again_each_time
# Seeds the generator at each call: the same draw for ever.
# fails: draws_come_from_the_generator, writing_draws_from_what_was_written


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    generator.manual_seed(generator.initial_seed())
    return torch.multinomial(torch.softmax(scores / temperature, dim=1), 1, generator=generator)[:, 0]


# === draws_softmax_over_the_batch
# The softmax runs over the rows instead of the characters.
# fails: draws_follow_the_softmax


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    chances = torch.softmax(scores / temperature, dim=0)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]


# === draws_with_an_epsilon_temperature
# A small number added to the temperature, and a 0 in the sum for what is forbidden.
# fails: draws_from_extreme_scores


# %% sample
def sample(scores, temperature, generator):
    if temperature == 0:
        return scores.argmax(dim=1)
    scores = scores.clamp(min=-100)
    return torch.multinomial(torch.softmax(scores / temperature, dim=1), 1, generator=generator)[:, 0]


# === layer_blanks_the_input_instead
# Zeros are read behind the end, in the belief that zeros do not move a state.
# fails: layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        h, c = lstm_step(x[t] * alive, h, c, *weights)
        outputs.append(h * alive)
    return torch.stack(outputs), h, c


# === layer_cuts_the_graph
# The outputs are written as plain numbers: no gradient comes back from them.
# fails: layer_gradients


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = x.new_zeros(len(x), len(h), h.shape[1])
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs[t] = torch.where(alive, h, 0.0).detach()
    return outputs, h, c


# === layer_cuts_the_time_axis
# The outputs end with the longest sequence instead of with the rectangle.
# fails: layer_outputs_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(int(lengths.max())):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c


# === layer_final_h_is_the_last_output
# The final h is taken from the end of the rectangle: 0 for every short sequence.
# fails: layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), outputs[-1], c


# === layer_leaves_the_batch_sorted
# Sorts the sequences by length, as packing once asked for, and never sorts them back.
# fails: layer_outputs_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    order = lengths.argsort(descending=True, stable=True)
    x, lengths, h, c = x[:, order], lengths[order], h[order], c[order]
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c


# === layer_one_step_too_far
# A sequence of length n reads n + 1 steps.
# fails: layer_outputs_of_unequal_lengths, layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t <= lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c


# === layer_only_h_stands_still
# h is held behind the end, c is forgotten.
# fails: layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, c = lstm_step(x[t], h, c, *weights)
        h = torch.where(alive, new_h, h)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c


# === layer_reads_the_padding
# The lengths only blank the outputs; the state runs on through the padding.
# fails: layer_final_states_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        h, c = lstm_step(x[t], h, c, *weights)
        outputs.append(h * (t < lengths)[:, None])
    return torch.stack(outputs), h, c


# === layer_repeats_the_last_output
# Behind the end the output is the last state instead of 0.
# fails: layer_outputs_of_unequal_lengths


# %% lstm
def lstm(x, lengths, h, c, *weights):
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(h)
    return torch.stack(outputs), h, c


# === layer_starts_from_zero
# The given start state is overwritten.
# fails: layer_on_full_sequences


# %% lstm
def lstm(x, lengths, h, c, *weights):
    h, c = torch.zeros_like(h), torch.zeros_like(c)
    outputs = []
    for t in range(len(x)):
        alive = (t < lengths)[:, None]
        new_h, new_c = lstm_step(x[t], h, c, *weights)
        h, c = torch.where(alive, new_h, h), torch.where(alive, new_c, c)
        outputs.append(torch.where(alive, h, 0.0))
    return torch.stack(outputs), h, c


# === step_candidate_through_a_sigmoid
# All four parts go through the sigmoid, so the cell can only grow.
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = torch.sigmoid(x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = f * c + i * g
    return o * torch.tanh(c), c


# === step_detaches_the_old_cell
# The values are right, but no gradient goes back along the cell.
# fails: step_passes_gradients_to_everything, layer_gradients


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c.detach() + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


# === step_forgets_the_second_bias
# Only the input's bias is added.
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (F.linear(x, w_input, b_input) + F.linear(h, w_hidden)).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


# === step_gates_in_keras_order
# The stacked gates are read as i, f, o, g.
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, o, g = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


# === step_returns_c_before_h
# The two results stand in the wrong order.
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return c, torch.sigmoid(o) * torch.tanh(c)


# === step_shows_the_bare_cell
# The output leaves out the tanh of the cell.
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * c, c


# === step_shows_the_old_cell
# The output is made from the cell before it is written.
# fails: step_gives_the_next_h_and_c


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    new_h = torch.sigmoid(o) * torch.tanh(c)
    return new_h, torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)


# === step_tanh_by_hand_overflows
# tanh as a quotient of exponentials: infinite over infinite for a gate that is wide open.
# fails: step_survives_saturated_gates


# %% lstm_step
def lstm_step(x, h, c, w_input, w_hidden, b_input, b_hidden):
    def tanh(z):
        return (torch.exp(z) - torch.exp(-z)) / (torch.exp(z) + torch.exp(-z))

    i, f, g, o = (x @ w_input.T + b_input + h @ w_hidden.T + b_hidden).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * tanh(g)
    return torch.sigmoid(o) * tanh(c), c


# === windows_backward_twice_through_the_border
# retain_graph instead of detach, and plain steps that autograd does not notice: gradients cross the border.
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        clip_gradients(net.parameters(), limit)
        for p in net.parameters():
            p.data = p.data - optimizer.param_groups[0]["lr"] * p.grad
        losses.append(loss.item())
    return losses


# === windows_clip_after_the_step
# The gradient is clipped when it has done its work.
# fails: windows_are_clipped


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        clip_gradients(net.parameters(), limit)
        losses.append(loss.item())
    return losses


# === windows_detach_only_h
# h is detached and c is not: half a truncation.
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, (h, c) = net(piece[:-1], state)
        state = h.detach(), c
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === windows_drop_the_short_one
# The last window is left out where it is not full.
# fails: windows_need_not_fit_the_text


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for k in range((len(text) - 1) // window):
        piece = text[k * window : (k + 1) * window + 1]
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === windows_keep_the_graph
# Nothing is detached: the second window walks into the first one's graph, which is gone.
# fails: windows_lose_what_one_pass_would, windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === windows_lose_a_prediction_at_each_border
# Windows of text are cut first and shifted then: the last character of each is never read.
# fails: windows_lose_what_one_pass_would


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for piece in text.split(window):
        if len(piece) < 2:
            continue
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === windows_mix_time_and_batch
# The targets are flattened the other way round than the scores.
# fails: windows_lose_what_one_pass_would


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].T.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === windows_predict_what_they_read
# The targets are the inputs: a loss that falls to 0.
# fails: windows_lose_what_one_pass_would


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[: len(text) - 1][start : start + window]
        scores, state = net(piece, state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === windows_reset_the_state
# Each window starts from nothing.
# fails: windows_lose_what_one_pass_would


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses = []
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, _ = net(piece[:-1])
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === windows_share_one_gradient
# To silence the error about the graph, all windows share one backward and one step at the end.
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    optimizer.zero_grad()
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        losses.append(F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten()))
    sum(losses).backward()
    clip_gradients(net.parameters(), limit)
    optimizer.step()
    return [loss.item() for loss in losses]


# === windows_without_zero_grad
# The gradients of all windows pile up.
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(net, optimizer, text, window, limit):
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]
        scores, state = net(piece[:-1], state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        loss.backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


# === writing_forgets_the_temperature
# Always draws at temperature 1.
# fails: writing_draws_from_what_was_written


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, state = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[-1], 1.0, generator))
        scores, state = net(written[-1][None], state)
    return torch.cat(written)


# === writing_looks_at_the_first_score
# Draws from the scores after the first character of the start.
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, state = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[0], temperature, generator))
        scores, state = net(written[-1][None], state)
    return torch.cat(written)


# === writing_loses_the_state
# The state is not handed on: each character follows from the last one alone.
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, _ = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[-1], temperature, generator))
        scores, _ = net(written[-1][None])
    return torch.cat(written)


# === writing_reads_the_last_letter_only
# Only the last character of the start is read.
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    state, now, written = None, start[-1:], []
    for _ in range(length):
        scores, state = net(now[None], state)
        now = sample(scores[-1], temperature, generator)
        written.append(now)
    return torch.cat(written)


# === writing_reads_the_last_letter_twice
# After the start its last character is read once more.
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    _, state = net(start[:, None])
    now, written = start[-1:], []
    for _ in range(length):
        scores, state = net(now[None], state)
        now = sample(scores[-1], temperature, generator)
        written.append(now)
    return torch.cat(written)


# === writing_reads_the_likeliest
# Draws one character and lets the network read another, the likeliest.
# fails: writing_draws_from_what_was_written


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    scores, state = net(start[:, None])
    written = []
    for _ in range(length):
        written.append(sample(scores[-1], temperature, generator))
        scores, state = net(scores[-1:].argmax(dim=2), state)
    return torch.cat(written)


# === writing_returns_the_start_too
# The start is part of the result.
# fails: writing_at_temperature_0


# %% write
@torch.no_grad()
def write(net, start, length, temperature, generator):
    text = start
    for _ in range(length):
        scores, _ = net(text[:, None])
        text = torch.cat([text, sample(scores[-1], temperature, generator)])
    return text


# === short_window_is_scored_and_not_learned
# The last window is shorter: its loss counts, its gradient does not.
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(
    net: nn.Module, optimizer: torch.optim.Optimizer, text: Tensor, window: int, limit: float
) -> list[float]:
    """Train `net` once along text (L, N) int64; returns each window's loss in nats. net(x, state) → scores, state."""
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]  # one more than the window: the last target
        scores, state = net(piece[:-1], state)  # (T, N, V)
        state = tuple(part.detach() for part in state)  # the value goes on, the gradient stops here
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(net.parameters(), limit)
        if len(piece) == window + 1:
            optimizer.step()
        losses.append(loss.item())
    return losses


# === short_window_counts_less
# The gradient of a shorter window is scaled down by its length.
# fails: windows_learn_from_their_own_gradient


# %% train_windows
def train_windows(
    net: nn.Module, optimizer: torch.optim.Optimizer, text: Tensor, window: int, limit: float
) -> list[float]:
    """Train `net` once along text (L, N) int64; returns each window's loss in nats. net(x, state) → scores, state."""
    losses, state = [], None
    for start in range(0, len(text) - 1, window):
        piece = text[start : start + window + 1]  # one more than the window: the last target
        scores, state = net(piece[:-1], state)  # (T, N, V)
        state = tuple(part.detach() for part in state)  # the value goes on, the gradient stops here
        loss = F.cross_entropy(scores.flatten(0, 1), piece[1:].flatten())
        optimizer.zero_grad()
        (loss * (len(piece) - 1) / window).backward()
        clip_gradients(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses
