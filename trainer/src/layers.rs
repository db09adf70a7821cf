//! What both trunks and the heads are built from: named weights, linear maps, embeddings and dropout.

use std::collections::BTreeMap;
use std::sync::Arc;

use arithmetic::multiversion;
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Device, Layout, Result, Shape, Storage, Tensor, Var};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Weights by name, in the order of their names wherever order matters (initial values, sums, files).
pub type Weights = BTreeMap<String, Tensor>;

/// Names, shapes and initial values of a network's weights, drawn from one seed.
///
/// candle's own generator cannot be seeded on a CPU, hence the draws from ChaCha here and in [`Dropout`].
pub struct Initializer {
    rng: ChaCha8Rng,
    pub variables: BTreeMap<String, Var>,
}

impl Initializer {
    pub fn new(seed: u64) -> Initializer {
        Initializer { rng: ChaCha8Rng::seed_from_u64(seed), variables: BTreeMap::new() }
    }

    /// Uniform in ±`bound`.
    pub fn uniform(&mut self, name: &str, shape: &[usize], bound: f32) -> Result<()> {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| (self.rng.random::<f32>() * 2.0 - 1.0) * bound).collect();
        self.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    pub fn constant(&mut self, name: &str, shape: &[usize], value: f32) -> Result<()> {
        self.insert(name, Tensor::full(value, shape, &Device::Cpu)?)
    }

    /// A linear map `name.weight` (inputs, outputs) and `name.bias` (outputs). The bound keeps the variance of what
    /// goes through (LeCun initialization: variance 1 / inputs).
    pub fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<()> {
        self.uniform(&format!("{name}.weight"), &[inputs, outputs], (3.0 / inputs as f32).sqrt())?;
        self.constant(&format!("{name}.bias"), &[outputs], 0.0)
    }

    fn insert(&mut self, name: &str, value: Tensor) -> Result<()> {
        let earlier = self.variables.insert(name.into(), Var::from_tensor(&value)?);
        debug_assert!(earlier.is_none(), "the weight {name} is declared twice");
        Ok(())
    }
}

/// Looks a weight up; the error names what is missing.
pub fn weight(weights: &Weights, name: &str) -> Result<Tensor> {
    weights
        .get(name)
        .cloned()
        .ok_or_else(|| candle_core::Error::Msg(format!("the weights hold no tensor named '{name}'")))
}

/// `x · weight + bias`, over the last axis.
#[derive(Clone)]
pub struct Linear {
    pub weight: Tensor, // (inputs, outputs)
    pub bias: Tensor,   // (outputs)
}

impl Linear {
    pub fn new(weights: &Weights, name: &str) -> Result<Linear> {
        Ok(Linear {
            weight: weight(weights, &format!("{name}.weight"))?,
            bias: weight(weights, &format!("{name}.bias"))?,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (inputs, outputs) = self.weight.dims2()?;
        let mut shape = x.dims().to_vec();
        let rows = x.reshape(((), inputs))?;
        *shape.last_mut().expect("a tensor with a feature axis") = outputs;
        affine(&rows, &self.weight, &self.bias)?.reshape(shape)
    }
}

/// `rows` (N, inputs) · `weight` (inputs, outputs) + `bias` (outputs) → (N, outputs).
fn affine(rows: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    rows.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Affine)
}

/// As a graph, the sum over all rows that is the bias's gradient would take as long as a matrix product.
struct Affine;

impl CustomOp3 for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }

    fn cpu_fwd(
        &self,
        rows: &CpuStorage,
        rows_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((count, inputs), outputs) = (rows_layout.shape().dims2()?, weight_layout.shape().dims2()?.1);
        let mut product = rows.matmul(weight, (1, count, outputs, inputs), rows_layout, weight_layout)?;
        let CpuStorage::F32(sums) = &mut product else { candle_core::bail!("affine takes tensors of f32") };
        add_to_rows(values(bias, bias_layout)?, sums);
        Ok((product, (count, outputs).into()))
    }

    fn bwd(
        &self,
        rows: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut sum = vec![0f32; bias.elem_count()];
        with_values(grad, |grad| add_rows(grad, &mut sum))?;
        let sum = Tensor::from_vec(sum, bias.shape(), bias.device())?;
        Ok((Some(grad.matmul(&weight.t()?)?), Some(rows.t()?.matmul(grad)?), Some(sum)))
    }
}

multiversion! {
    /// Adds `values` to each row, which is as wide.
    fn add_to_rows(values: &[f32], rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(values.len()) {
            row.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
}

multiversion! {
    /// Adds each row to `sum`, which is as wide.
    fn add_rows(rows: &[f32], sum: &mut [f32]) {
        for row in rows.chunks_exact(sum.len()) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
}

/// What an operation of our own is given.
pub fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => candle_core::bail!("an operation of the trainer's own was given a tensor that is not contiguous"),
    }
}

/// Lends the values of a tensor that lies in main memory, without a copy where it is contiguous.
pub fn with_values<T>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(work(values(storage, layout)?)),
        _ => candle_core::bail!("an operation of the trainer's own was given a tensor of another device"),
    }
}

/// Rows of an embedding table, `count` for each place where they are added up.
#[derive(Clone)]
pub struct Rows {
    pub count: usize,
    pub indices: Arc<Vec<u32>>,
}

/// The sum of the rows of `table` for each place: → (places, width).
pub fn embed_sum(table: &Tensor, rows: &Rows) -> Result<Tensor> {
    table.contiguous()?.apply_op1(EmbedSum(rows.clone()))
}

/// The sum in one pass; as a graph, every row would be copied before it is added, and its gradient likewise.
struct EmbedSum(Rows);

impl CustomOp1 for EmbedSum {
    fn name(&self) -> &'static str {
        "embed-sum"
    }

    fn cpu_fwd(&self, table: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        let table = values(table, layout)?;
        if let Some(index) = self.0.indices.iter().find(|&&index| index as usize >= rows) {
            candle_core::bail!("embed-sum: row {index} of a table of {rows}");
        }
        let places = self.0.indices.len() / self.0.count;
        let mut sums = vec![0f32; places * width];
        sum_rows(table, &self.0.indices, self.0.count, width, &mut sums);
        Ok((CpuStorage::F32(sums), (places, width).into()))
    }

    fn bwd(&self, table: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (rows, width) = table.dims2()?;
        let mut sums = vec![0f32; rows * width];
        with_values(grad, |grad| spread_rows(grad, &self.0.indices, self.0.count, width, &mut sums))?;
        Ok(Some(Tensor::from_vec(sums, (rows, width), table.device())?))
    }
}

multiversion! {
    /// For each place the sum of `count` rows of the table.
    fn sum_rows(table: &[f32], indices: &[u32], count: usize, width: usize, sums: &mut [f32]) {
        for (sum, indices) in sums.chunks_exact_mut(width).zip(indices.chunks_exact(count)) {
            for &index in indices {
                let row = &table[index as usize * width..][..width];
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

multiversion! {
    /// The gradient of [`sum_rows`]: that of each place goes to each of its rows.
    fn spread_rows(grad: &[f32], indices: &[u32], count: usize, width: usize, sums: &mut [f32]) {
        for (grad, indices) in grad.chunks_exact(width).zip(indices.chunks_exact(count)) {
            for &index in indices {
                let row = &mut sums[index as usize * width..][..width];
                row.iter_mut().zip(grad).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

/// Sets a share of the values to zero while training and scales the rest up to keep the mean; without a generator it
/// lets everything pass.
pub struct Dropout {
    rate: f32,
    rng: Option<ChaCha8Rng>,
}

impl Dropout {
    pub fn off() -> Dropout {
        Dropout { rate: 0.0, rng: None }
    }

    pub fn new(rate: f32, rng: ChaCha8Rng) -> Dropout {
        Dropout { rate, rng: Some(rng) }
    }

    pub fn apply(&mut self, x: &Tensor) -> Result<Tensor> {
        let Some(rng) = self.rng.as_mut().filter(|_| self.rate > 0.0) else { return Ok(x.clone()) };
        // One random byte a value is enough: the rate is held to 1/256.
        let mut bytes = vec![0u8; x.elem_count()];
        rng.fill_bytes(&mut bytes);
        let mask = Mask { bytes, dropped: (self.rate * 256.0).round() as u8 };
        x.contiguous()?.apply_op1(mask)
    }
}

/// What [`Dropout`] does to one tensor; in a graph, the mask would have a gradient worked out for it too.
struct Mask {
    /// One for each value, which is dropped where it is below `dropped`.
    bytes: Vec<u8>,
    dropped: u8,
}

impl Mask {
    fn apply(&self, values: &mut [f32]) {
        drop_values(&self.bytes, self.dropped, 256.0 / (256 - u16::from(self.dropped)) as f32, values);
    }
}

impl CustomOp1 for Mask {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut kept = values(x, layout)?.to_vec();
        self.apply(&mut kept);
        Ok((CpuStorage::F32(kept), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut gradient = with_values(grad, <[f32]>::to_vec)?;
        self.apply(&mut gradient);
        Ok(Some(Tensor::from_vec(gradient, x.shape(), x.device())?))
    }
}

multiversion! {
    fn drop_values(bytes: &[u8], dropped: u8, scale: f32, values: &mut [f32]) {
        for (value, &byte) in values.iter_mut().zip(bytes) {
            *value = if byte < dropped { 0.0 } else { *value * scale };
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two ways to work out the same must have the same values, and the same gradients for `variables`.
    pub fn assert_same(variables: &[&Var], fused: &dyn Fn() -> Result<Tensor>, graph: &dyn Fn() -> Result<Tensor>) {
        let run = |way: &dyn Fn() -> Result<Tensor>| -> Vec<Vec<f32>> {
            let result = way().unwrap();
            let grads = result.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let gradients = variables.iter().map(|variable| values(grads.get(variable).expect("a gradient")));
            [values(&result)].into_iter().chain(gradients).collect()
        };
        for (place, (fused, graph)) in run(fused).iter().zip(&run(graph)).enumerate() {
            assert_eq!(fused.len(), graph.len());
            let largest = graph.iter().fold(1f32, |largest, value| largest.max(value.abs()));
            let difference = fused.iter().zip(graph).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-5 * largest, "{place}: largest difference {difference} of {largest}");
        }
    }

    pub fn variable(shape: &[usize]) -> Var {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|index| ((index * 37) % 61) as f32 / 10.0 - 3.0).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
    }

    fn embed_sum_by_graph(table: &Tensor, rows: &Rows) -> Result<Tensor> {
        let indices = Tensor::new(&rows.indices[..], table.device())?;
        table.index_select(&indices, 0)?.reshape(((), rows.count, table.dim(1)?))?.sum(1)
    }

    fn affine_by_graph(rows: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        rows.matmul(weight)?.broadcast_add(bias)
    }

    #[test]
    fn the_fused_embedding_has_the_values_and_gradients_of_the_graph() {
        let table = variable(&[7, 5]);
        let rows = Rows { count: 3, indices: Arc::new(vec![0, 6, 6, 2, 1, 0, 5, 5, 5, 3, 0, 6]) };
        assert_same(&[&table], &|| embed_sum(&table, &rows), &|| embed_sum_by_graph(&table, &rows));
        let outside = Rows { count: 1, indices: Arc::new(vec![7]) };
        assert!(embed_sum(&table, &outside).is_err());
    }

    #[test]
    fn the_fused_linear_map_has_the_values_and_gradients_of_the_graph() {
        let (rows, weight, bias) = (variable(&[4, 3]), variable(&[3, 5]), variable(&[5]));
        let all = [&rows, &weight, &bias];
        assert_same(&all, &|| affine(&rows, &weight, &bias), &|| affine_by_graph(&rows, &weight, &bias));
    }

    #[test]
    fn dropout_lets_its_share_pass_scaled_up_and_their_gradients_alike() {
        let x = variable(&[100, 100]);
        let mut dropout = Dropout::new(0.4, ChaCha8Rng::seed_from_u64(1));
        let kept = dropout.apply(&x).unwrap();
        let grads = kept.sum_all().unwrap().backward().unwrap();
        let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let factors = values(grads.get(&x).unwrap());
        for ((kept, x), factor) in values(&kept).into_iter().zip(values(&x)).zip(&factors) {
            assert_eq!(kept, x * factor);
        }
        let passed: Vec<f32> = factors.iter().copied().filter(|&factor| factor != 0.0).collect();
        let share = passed.len() as f32 / factors.len() as f32;
        assert!((share - 0.6).abs() < 0.02, "{share}");
        assert!(passed.iter().all(|factor| (factor * share - 1.0).abs() < 0.03), "the mean stays");
        let off = Dropout::off().apply(&x).unwrap();
        assert_eq!(values(&off), values(&x));
    }
}
