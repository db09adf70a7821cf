//! The shipped networks' own arithmetic: a step as a handful of matrix products, without a graph in between.
//!
//! What tract runs node by node is known here beforehand ([`super::recipe`] makes sure that a file holds exactly it), so
//! that nothing is copied, gathered or shaped that need not be; what a head makes of the context and the step's words is
//! worked out once and shared by all sopranos. Numbers differ from tract's by the order of sums only.

use arithmetic::{Matrix, Needed, multiversion, sigmoid, tanh};
use chorale::{Part, Token};

use super::{Context, Memory, Row, State, WORDS};

/// Everything that a file's weights say, laid out for use.
pub(super) struct Fused {
    pub trunk: Trunk,
    /// By [`Part::index`].
    pub heads: [Head; 4],
    /// Width of the context.
    pub width: usize,
}

pub(super) enum Trunk {
    Wavenet {
        input: Embedding,
        blocks: Vec<Block>,
        /// All blocks' units side by side → context.
        context: Linear,
        kernel: usize,
        dilations: Vec<usize>,
    },
    Lstm {
        /// Straight to the gates of the first layer, its input weights included.
        input: Embedding,
        /// The first layer's h → gates.
        recurrent: Linear,
        /// For each other layer, its input and its h side by side → gates.
        layers: Vec<Linear>,
        hidden: usize,
    },
}

pub(super) struct Block {
    /// Taps, oldest first, and the present → filters, then gates.
    pub gate: Linear,
    /// Missing in the last block, where nothing listens to it.
    pub residual: Option<Linear>,
}

pub(super) struct Linear {
    pub matrix: Matrix,
    pub bias: Vec<f32>,
}

/// A table whose rows are added up, one for each feature of the step's words.
pub(super) struct Embedding {
    pub width: usize,
    /// (rows, width).
    pub table: Vec<f32>,
    pub features: Vec<Feature>,
}

/// Which row of the table stands for a word, or for two words.
pub(super) struct Feature {
    pub columns: [usize; 2],
    /// By the first word, then the second if there are two: the row.
    pub rows: Vec<u32>,
}

/// A head has fewer outputs.
pub(super) const MOST_OUTPUTS: usize = 512;

/// Words of one vocabulary at the most.
pub(super) const MOST_WORDS: usize = Token::VOCABULARY + 1;

pub(super) struct Head {
    pub context: Linear,
    /// Of what is known before the step's soprano sounds.
    pub known: Embedding,
    /// For each part of the present chord, by [`Part::index`]: what it adds by itself; rows of the same table.
    pub now: [Vec<Feature>; 4],
    /// What two of them add together.
    pub between: Vec<Feature>,
    /// The outputs that name a token by what is known before the step's soprano sounds, where that is worth while: in a
    /// head that is asked for many rows of a state, since some parts are chosen before its own.
    pub known_names: Option<KnownNames>,
    /// To all other outputs.
    pub output: Linear,
    /// Of every naming by those the column of the word from which it starts, and for each word there 47 outputs.
    pub namings: Vec<(usize, Vec<u16>)>,
    /// No logit falls below it.
    pub lowest: f32,
}

/// The outputs of several namings, of which each token has one in every naming. Which ones depends only on what is known
/// before the soprano, so that once a step the weights of a token's outputs are added up, and each row is multiplied
/// with 47 columns instead of four times as many.
///
/// The outputs are written out in such an order, some of them several times, that those of tokens 1 to 46 stand side by
/// side, whatever the word from which a naming starts.
pub(super) struct KnownNames {
    /// Which of all that have been read.
    pub number: usize,
    /// (inputs + 1, `width`): weights, and the bias as the last line; before the first and behind the last output stands
    /// one that is never used.
    pub weights: Vec<f32>,
    pub width: usize,
    /// (.., inputs + 1): those of outputs that name token 0, the rest, output by output.
    pub rests: Vec<f32>,
    /// Of every naming the column of the word from which it starts, and for each word there where its outputs stand.
    /// The first naming starts from none, and has one place.
    pub namings: Vec<(Option<usize>, Vec<Place>)>,
}

/// Where the outputs of a naming stand that starts from one word.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Place {
    /// Of token 0, among the rests.
    pub rest: u32,
    /// Of token 1; the others follow.
    pub first: u32,
}

/// Tokens, made up to whole registers.
const COLUMNS: usize = 48;

/// There are never more namings, and never more relations between two chosen parts.
pub(super) const MOST_NAMINGS: usize = 16;
pub(super) const MOST_BETWEEN: usize = 16;

/// The weights of [`KnownNames`], added up for a state.
#[derive(Clone)]
struct Names {
    /// (inputs, 47).
    matrix: Matrix,
    bias: [f32; COLUMNS],
    rests: Vec<f32>,
    /// Of which network, and the places whose weights they are.
    of: usize,
    places: [Place; MOST_NAMINGS],
}

/// What a step is worked out in, kept for the next. What outlives a call: the heads' bases, which of the context's
/// values are not zero, and the added names.
#[derive(Clone, Default)]
pub(super) struct Scratch {
    x: Vec<f32>,
    window: Vec<f32>,
    gates: Vec<f32>,
    units: Vec<f32>,
    gathered: Vec<f32>,
    rows: Vec<u32>,
    /// Of a context behind rectified units, which values are not zero.
    context: Needed,
    /// For each head, by [`Part::index`]: its hidden layer before the chosen parts are added, (states, width); empty
    /// until it is asked for in this step.
    bases: [Vec<f32>; 4],
    /// What each token of each part of the present chord adds to a head's hidden layer: (4, 48, width), and whether it
    /// has been worked out for the state at hand.
    added: Vec<f32>,
    is_added: Vec<bool>,
    hidden: Vec<f32>,
    needed: Needed,
    /// For each head, by [`Part::index`], the last that were needed: notes that stay, and particles, need the same.
    names: [Option<Names>; 4],
    outputs: Vec<f32>,
}

/// Rows of a head that are worked out together: as many as leave what is between the products near the processor.
const TOGETHER: usize = 24;

impl Feature {
    fn row(&self, words: &[u8]) -> u32 {
        let [first, second] = self.columns.map(|column| usize::from(words[column]));
        if self.rows.len() > MOST_WORDS { self.rows[first * MOST_WORDS + second] } else { self.rows[first] }
    }
}

impl Linear {
    /// `rows` (n, inputs) → `sums` (n, outputs), which is made to fit.
    fn apply(&self, rows: &[f32], sums: &mut Vec<f32>) {
        sums.clear();
        (0..rows.len() / self.matrix.lines()).for_each(|_| sums.extend_from_slice(&self.bias));
        self.matrix.add_product(rows, sums);
    }

    /// The same where `needed` tells which values of the rows are not zero.
    fn apply_to_needed(&self, rows: &[f32], needed: &Needed, sums: &mut Vec<f32>) {
        sums.clear();
        (0..rows.len() / self.matrix.lines()).for_each(|_| sums.extend_from_slice(&self.bias));
        self.matrix.add_product_of_needed(rows, needed, sums);
    }
}

impl Embedding {
    fn add(&self, words: &[u8], rows: &mut Vec<u32>, sum: &mut [f32]) {
        add_features(&self.features, &self.table, words, rows, sum);
    }
}

multiversion! {
    /// Adds rows of a table, as wide as `sum`.
    fn add_rows(table: &[f32], rows: &[u32], sum: &mut [f32]) {
        // So many sums stay in registers.
        const LANES: usize = 64;
        let width = sum.len();
        let mut from = 0;
        let mut chunks = sum.chunks_exact_mut(LANES);
        for sum in &mut chunks {
            let mut sums = [0f32; LANES];
            sums.copy_from_slice(sum);
            for &row in rows {
                let values = &table[row as usize * width + from..][..LANES];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            sum.copy_from_slice(&sums);
            from += LANES;
        }
        let sum = chunks.into_remainder();
        for &row in rows {
            let values = &table[row as usize * width + from..][..sum.len()];
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
}

multiversion! {
    /// For each line of `weights`, as [`KnownNames`] has them, the sums over the namings: into the lines of `names`, and
    /// the last into its bias.
    fn add_names(known: &KnownNames, places: &[Place], names: &mut Names) {
        let inputs = names.matrix.lines();
        for (line, weights) in known.weights.chunks_exact(known.width).enumerate() {
            let mut sums = [0f32; COLUMNS];
            for place in places {
                let weights = &weights[place.first as usize - 1..][..COLUMNS];
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            }
            if line < inputs { names.matrix.set_line(line, &sums) } else { names.bias = sums }
        }
        // The rest's weights in a second pass: a single value between whole registers would make them wait.
        let lines = inputs + 1;
        names.rests.clear();
        names.rests.resize(lines, 0.0);
        for place in places {
            let weights = &known.rests[place.rest as usize * lines..][..lines];
            names.rests.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
        }
        for line in 0..inputs {
            names.matrix.set(line, 0, names.rests[line]);
        }
        names.bias[0] = names.rests[inputs];
    }
}

multiversion! {
    /// Adds up rows as wide as `sum`, the first of them `base`, and keeps what is positive.
    fn add_positive(base: &[f32], added: &[&[f32]], sum: &mut [f32]) {
        const LANES: usize = 32;
        let width = sum.len();
        let mut from = 0;
        while from + LANES <= width {
            let mut sums = [0f32; LANES];
            sums.copy_from_slice(&base[from..][..LANES]);
            for added in added {
                sums.iter_mut().zip(&added[from..][..LANES]).for_each(|(sum, value)| *sum += value);
            }
            sum[from..][..LANES].iter_mut().zip(&sums).for_each(|(sum, value)| *sum = value.max(0.0));
            from += LANES;
        }
        for place in from..width {
            let mut total = base[place];
            added.iter().for_each(|added| total += added[place]);
            sum[place] = total.max(0.0);
        }
    }
}

multiversion! {
    /// Adds to the 47 logits of a row, for each token, the outputs that name it; none stays below `lowest`.
    fn add_named(
        outputs: &[f32; MOST_OUTPUTS], words: &[u8; WORDS + 4], namings: &[(usize, Vec<u16>)], lowest: f32,
        logits: &mut [f32],
    ) {
        const TOKENS: usize = Token::VOCABULARY;
        let mut sums = [0f32; TOKENS];
        sums.copy_from_slice(&logits[..TOKENS]);
        for (column, names) in namings {
            let names = &names[usize::from(words[*column]) * TOKENS..][..TOKENS];
            for (sum, &name) in sums.iter_mut().zip(names) {
                *sum += outputs[usize::from(name) % MOST_OUTPUTS];
            }
        }
        logits.iter_mut().zip(&sums).for_each(|(logit, sum)| *logit = sum.max(lowest));
    }
}

multiversion! {
    /// tanh of the first half of each row times the sigmoid of the second: (n, 2 · channels) → (n, channels).
    fn gated_units(both: &[f32], channels: usize, units: &mut [f32]) {
        for (both, units) in both.chunks_exact(2 * channels).zip(units.chunks_exact_mut(channels)) {
            let (filter, gate) = both.split_at(channels);
            for ((unit, &filter), &gate) in units.iter_mut().zip(filter).zip(gate) {
                *unit = tanh(filter) * sigmoid(gate);
            }
        }
    }
}

multiversion! {
    /// One step of one layer: sums of the gates (input, forget, output, cell: 4 · hidden); h and c move on.
    fn recur(gates: &[f32], h: &mut [f32], c: &mut [f32]) {
        let hidden = h.len();
        let c = &mut c[..hidden];
        let [input, forget, output, cell] = [0, 1, 2, 3].map(|gate| &gates[gate * hidden..][..hidden]);
        for j in 0..hidden {
            c[j] = sigmoid(forget[j]) * c[j] + sigmoid(input[j]) * tanh(cell[j]);
            h[j] = sigmoid(output[j]) * tanh(c[j]);
        }
    }
}

multiversion! {
    fn keep_positive(values: &mut [f32]) {
        values.iter_mut().for_each(|value| *value = value.max(0.0));
    }
}

multiversion! {
    fn add_values(sums: &mut [f32], values: &[f32]) {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
}

impl Fused {
    /// Moves the states on and puts what they know into `context`, whose words are those of the step. `false` when a
    /// state belongs to another network.
    pub fn step(&self, states: &mut [&mut State], phase: u8, context: &mut Context) -> bool {
        let Context { words, values, scratch, .. } = context;
        let Scratch { x, window, gates, units, gathered, rows, context: needed, bases, .. } = scratch;
        bases.iter_mut().for_each(Vec::clear);
        let heard = |words: &[u8; WORDS]| {
            let mut all = [phase; WORDS + 1];
            all[..WORDS].copy_from_slice(words);
            all
        };
        match &self.trunk {
            Trunk::Wavenet { input, blocks, context, kernel, dilations } => {
                let channels = input.width;
                fill(x, states.len() * channels);
                for (x, words) in x.chunks_exact_mut(channels).zip(words.iter()) {
                    input.add(&heard(words), rows, x);
                }
                fill(gathered, states.len() * blocks.len() * channels);
                for (index, (block, &dilation)) in blocks.iter().zip(dilations).enumerate() {
                    window.clear();
                    for (state, x) in states.iter_mut().zip(x.chunks_exact(channels)) {
                        let Memory::Queues(queues) = &mut state.memory else { return false };
                        let Some(queue) = queues.get_mut(index) else { return false };
                        (0..kernel - 1).for_each(|tap| window.extend_from_slice(queue.entry(tap * dilation)));
                        window.extend_from_slice(x);
                        queue.push(x);
                    }
                    if window.len() != states.len() * kernel * channels {
                        return false;
                    }
                    block.gate.apply(window, gates);
                    fill(units, states.len() * channels);
                    gated_units(gates, channels, units);
                    let all = gathered.chunks_exact_mut(blocks.len() * channels);
                    for (gathered, units) in all.zip(units.chunks_exact(channels)) {
                        gathered[index * channels..][..channels].copy_from_slice(units);
                    }
                    if let Some(residual) = &block.residual {
                        residual.apply(units, gates);
                        add_values(x, gates);
                    }
                }
                context.apply(gathered, values);
                keep_positive(values);
                needed.find(values, self.width);
            }
            Trunk::Lstm { input, recurrent, layers, hidden } => {
                let hidden = *hidden;
                let fits = |state: &&mut State| match &state.memory {
                    Memory::Recurrent { h, c } => h.len() == self.width && c.len() == self.width,
                    Memory::Queues(_) => false,
                };
                if !states.iter().all(fits) {
                    return false;
                }
                fill(values, states.len() * self.width);
                for layer in 0..=layers.len() {
                    let place = layer * hidden..(layer + 1) * hidden;
                    window.clear();
                    for (index, state) in states.iter_mut().enumerate() {
                        let Memory::Recurrent { h, .. } = &mut state.memory else { return false };
                        if layer > 0 {
                            window.extend_from_slice(&values[index * self.width + place.start - hidden..][..hidden]);
                        }
                        window.extend_from_slice(&h[place.clone()]);
                    }
                    if layer == 0 {
                        recurrent.apply(window, gates);
                        for (gates, words) in gates.chunks_exact_mut(input.width).zip(words.iter()) {
                            input.add(&heard(words), rows, gates);
                        }
                    } else {
                        layers[layer - 1].apply(window, gates);
                    }
                    for (index, (state, gates)) in states.iter_mut().zip(gates.chunks_exact(input.width)).enumerate() {
                        let Memory::Recurrent { h, c } = &mut state.memory else { return false };
                        recur(gates, &mut h[place.clone()], &mut c[place.clone()]);
                        values[index * self.width + place.start..][..hidden].copy_from_slice(&h[place.clone()]);
                    }
                }
            }
        }
        true
    }

    /// Adds to `logits` 47 for each row.
    pub fn logits(&self, part: Part, context: &mut Context, asked: &[Row], logits: &mut Vec<f32>) {
        let head = &self.heads[part.index()];
        let Context { words, values, scratch, .. } = context;
        let base = &mut scratch.bases[part.index()];
        let width = head.known.width;
        if base.is_empty() {
            match self.trunk {
                Trunk::Wavenet { .. } => head.context.apply_to_needed(values, &scratch.context, base),
                Trunk::Lstm { .. } => head.context.apply(values, base),
            }
            for (base, words) in base.chunks_exact_mut(width).zip(words.iter()) {
                head.known.add(words, &mut scratch.rows, base);
            }
        }
        scratch.added.resize(4 * MOST_WORDS * width, 0.0);
        for asked in asked.chunk_by(|one, next| one.state == next.state) {
            let state = asked[0].state;
            scratch.is_added.clear();
            scratch.is_added.resize(4 * MOST_WORDS, false);
            head.names(&words[state], &mut scratch.names[part.index()]);
            for asked in asked.chunks(TOGETHER) {
                head.rows(part, &words[state], asked, scratch, logits);
            }
        }
    }
}

impl Names {
    fn new(inputs: usize) -> Names {
        Names {
            matrix: Matrix::narrow(inputs, Token::VOCABULARY),
            bias: [0.0; COLUMNS],
            rests: Vec::new(),
            of: 0,
            places: [Place::default(); MOST_NAMINGS],
        }
    }
}

impl Head {
    /// Adds up the weights by which a state of the step names its tokens, unless that is what `names` holds already.
    fn names(&self, words: &[u8; WORDS], names: &mut Option<Names>) {
        let Some(known) = &self.known_names else { return };
        let mut places = [Place::default(); MOST_NAMINGS];
        for (place, (column, of_words)) in places.iter_mut().zip(&known.namings) {
            *place = of_words[column.map_or(0, |column| usize::from(words[column]))];
        }
        if names.as_ref().is_some_and(|names| names.of == known.number && names.places == places) {
            return;
        }
        let inputs = self.known.width;
        let names = names.get_or_insert_with(|| Names::new(inputs));
        if names.matrix.lines() != inputs {
            *names = Names::new(inputs);
        }
        (names.of, names.places) = (known.number, places);
        add_names(known, &places[..known.namings.len()], names);
    }

    /// Adds to `logits` 47 for each row, all of one state, for which the names have been added up.
    fn rows(&self, part: Part, words: &[u8; WORDS], asked: &[Row], scratch: &mut Scratch, logits: &mut Vec<f32>) {
        let Scratch { rows, bases, added, is_added, hidden, needed, names, outputs, .. } = scratch;
        let width = self.known.width;
        hidden.resize(asked.len() * width, 0.0);
        for (hidden, row) in hidden.chunks_exact_mut(width).zip(asked) {
            let all = all_words(words, row);
            let mut places = [0; 4];
            let mut count = 0;
            for (part, features) in self.now.iter().enumerate().filter(|(_, features)| !features.is_empty()) {
                let place = part * MOST_WORDS + usize::from(all[WORDS + part]);
                if !std::mem::replace(&mut is_added[place], true) {
                    let added = &mut added[place * width..][..width];
                    added.fill(0.0);
                    add_features(features, &self.known.table, &all, rows, added);
                }
                places[count] = place;
                count += 1;
            }
            let mut together: [&[f32]; 4 + MOST_BETWEEN] = [&[]; 4 + MOST_BETWEEN];
            for (together, place) in together.iter_mut().zip(&places[..count]) {
                *together = &added[place * width..][..width];
            }
            for feature in &self.between {
                together[count] = &self.known.table[feature.row(&all) as usize * width..][..width];
                count += 1;
            }
            add_positive(&bases[part.index()][row.state * width..][..width], &together[..count], hidden);
        }
        needed.find(hidden, width);
        let start = logits.len();
        match &names[part.index()] {
            Some(names) if self.known_names.is_some() => {
                asked.iter().for_each(|_| logits.extend_from_slice(&names.bias[..Token::VOCABULARY]));
                names.matrix.add_product_of_needed(hidden, needed, &mut logits[start..]);
            }
            _ => logits.resize(start + asked.len() * Token::VOCABULARY, 0.0),
        }
        self.output.apply_to_needed(hidden, needed, outputs);
        let count = self.output.bias.len();
        outputs.resize(outputs.len() + MOST_OUTPUTS, 0.0);
        for (index, (row, logits)) in asked.iter().zip(logits[start..].chunks_exact_mut(Token::VOCABULARY)).enumerate()
        {
            let (outputs, _) = outputs[index * count..].split_first_chunk().expect("room is made at the end");
            add_named(outputs, &all_words(words, row), &self.namings, self.lowest, logits);
        }
    }
}

fn add_features(features: &[Feature], table: &[f32], words: &[u8], rows: &mut Vec<u32>, sum: &mut [f32]) {
    rows.clear();
    rows.extend(features.iter().map(|feature| feature.row(words)));
    add_rows(table, rows, sum);
}

/// The words of a step, and of the present chord as far as it is chosen.
fn all_words(words: &[u8; WORDS], row: &Row) -> [u8; WORDS + 4] {
    let mut all = [0; WORDS + 4];
    all[..WORDS].copy_from_slice(words);
    all[WORDS..].copy_from_slice(&row.given.0.map(|token| token.index() as u8));
    all
}

/// So many zeros.
fn fill(values: &mut Vec<f32>, count: usize) {
    values.clear();
    values.resize(count, 0.0);
}
