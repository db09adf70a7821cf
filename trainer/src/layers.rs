//! What both trunks and the heads are built from: named weights, linear maps, embeddings and dropout.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, Var};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Weights by name, in the order of their names wherever order matters (initial values, sums, files).
pub type Weights = BTreeMap<String, Tensor>;

/// Names, shapes and initial values of a network's weights, drawn from one seed.
///
/// candle's own generator cannot be seeded on a CPU, hence the draws from ChaCha here and in [`Dropout`].
pub struct Initializer {
    rng: ChaCha8Rng,
    device: Device,
    pub variables: BTreeMap<String, Var>,
}

impl Initializer {
    pub fn new(seed: u64, device: &Device) -> Initializer {
        Initializer { rng: ChaCha8Rng::seed_from_u64(seed), device: device.clone(), variables: BTreeMap::new() }
    }

    /// Uniform in ±`bound`.
    pub fn uniform(&mut self, name: &str, shape: &[usize], bound: f32) -> Result<()> {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| (self.rng.random::<f32>() * 2.0 - 1.0) * bound).collect();
        self.insert(name, Tensor::from_vec(values, shape, &self.device)?)
    }

    pub fn constant(&mut self, name: &str, shape: &[usize], value: f32) -> Result<()> {
        self.insert(name, Tensor::full(value, shape, &self.device)?)
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
        rows.matmul(&self.weight)?.broadcast_add(&self.bias)?.reshape(shape)
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
    if table.device().is_cpu() {
        table.contiguous()?.apply_op1(EmbedSum(rows.clone()))
    } else {
        embed_sum_by_graph(table, rows)
    }
}

/// The same as a graph; for devices on which [`embed_sum`] has no code.
fn embed_sum_by_graph(table: &Tensor, rows: &Rows) -> Result<Tensor> {
    let indices = Tensor::new(&rows.indices[..], table.device())?;
    table.index_select(&indices, 0)?.reshape(((), rows.count, table.dim(1)?))?.sum(1)
}

/// The sum in one pass; as a graph, every row would be copied before it is added, and its gradient likewise.
struct EmbedSum(Rows);

impl CustomOp1 for EmbedSum {
    fn name(&self) -> &'static str {
        "embed-sum"
    }

    fn cpu_fwd(&self, table: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        let Some((from, to)) = layout.contiguous_offsets() else {
            candle_core::bail!("embed-sum takes a contiguous table")
        };
        let table = &table.as_slice::<f32>()?[from..to];
        let places = self.0.indices.len() / self.0.count;
        let mut sums = vec![0f32; places * width];
        for (sum, indices) in sums.chunks_mut(width).zip(self.0.indices.chunks(self.0.count)) {
            for &index in indices {
                if index as usize >= rows {
                    candle_core::bail!("embed-sum: row {index} of a table of {rows}");
                }
                for (sum, value) in sum.iter_mut().zip(&table[index as usize * width..][..width]) {
                    *sum += value;
                }
            }
        }
        Ok((CpuStorage::F32(sums), (places, width).into()))
    }

    fn bwd(&self, table: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (rows, width) = table.dims2()?;
        let grad = grad.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let mut sums = vec![0f32; rows * width];
        for (grad, indices) in grad.chunks(width).zip(self.0.indices.chunks(self.0.count)) {
            for &index in indices {
                for (sum, value) in sums[index as usize * width..][..width].iter_mut().zip(grad) {
                    *sum += value;
                }
            }
        }
        Ok(Some(Tensor::from_vec(sums, (rows, width), table.device())?))
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
        let dropped = (self.rate * 256.0).round() as u16;
        let keep = 256.0 / (256 - dropped) as f32;
        let mut bytes = vec![0u8; x.elem_count()];
        rng.fill_bytes(&mut bytes);
        let mask: Vec<f32> = bytes.iter().map(|&byte| if u16::from(byte) < dropped { 0.0 } else { keep }).collect();
        x.mul(&Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(DType::F32)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fused_embedding_has_the_values_and_gradients_of_the_graph() {
        let values: Vec<f32> = (0..7 * 5).map(|index| ((index * 37) % 61) as f32 / 10.0 - 3.0).collect();
        let table = Var::from_vec(values, (7, 5), &Device::Cpu).unwrap();
        let rows = Rows { count: 3, indices: Arc::new(vec![0, 6, 6, 2, 1, 0, 5, 5, 5, 3, 0, 6]) };
        let run = |embed: fn(&Tensor, &Rows) -> Result<Tensor>| {
            let sums = embed(&table, &rows).unwrap();
            let grads = sums.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            [values(&sums), values(grads.get(&table).unwrap())]
        };
        for (fused, graph) in run(embed_sum).iter().zip(&run(embed_sum_by_graph)) {
            assert_eq!(fused.len(), graph.len());
            let largest = fused.iter().zip(graph).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest < 1e-4, "largest difference {largest}");
        }
        let outside = Rows { count: 1, indices: Arc::new(vec![7]) };
        assert!(embed_sum(&table, &outside).is_err());
    }
}
