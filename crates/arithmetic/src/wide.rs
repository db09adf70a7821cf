//! Plain loops over f32, compiled once for every x86-64 processor and once more for those with AVX-512 (or AVX2); and the
//! functions of gates in a form that such loops take sixteen at a time, which those of libm do not.

/// Defines a function without a result whose body is compiled three times: for any processor, for AVX2 and for AVX-512.
/// Each call asks the processor what it has (the answer is cached) and takes the widest; elsewhere than on x86-64 there
/// is one version.
///
/// The body is inlined into each, and with it what it calls that is `#[inline(always)]`; other functions keep the
/// narrow registers. Plain loops over slices of one length are what the compiler makes use of the registers for. All
/// versions round alike, so that results do not depend on the processor.
///
/// ```
/// arithmetic::multiversion! {
///     /// Adds `more` to `sums`.
///     pub fn add(sums: &mut [f32], more: &[f32]) {
///         sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
///     }
/// }
///
/// let mut sums = [1.0; 40];
/// add(&mut sums, &[0.5; 40]);
/// assert_eq!(sums, [1.5; 40]);
/// ```
#[macro_export]
macro_rules! multiversion {
    ($(#[$attribute:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn body($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,fma")]
                fn avx512($($arg: $ty),*) {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) {
                    body($($arg),*)
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("fma")
                {
                    // SAFETY: the processor has been asked for each of the features.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}

multiversion! {
    /// The bits of all rows, each as wide as `bits`.
    pub(crate) fn any_bits(rows: &[f32], bits: &mut [u32]) {
        bits.fill(0);
        for row in rows.chunks_exact(bits.len()) {
            bits.iter_mut().zip(row).for_each(|(bits, value)| *bits |= value.to_bits());
        }
    }
}

/// e^x to about 1e-7 of its value (polynomial of Cephes' `expf`), for x within ±87.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 · 2^23 rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4f32;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + coefficient;
    }
    let power = p * r * r + r + 1.0;
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `x` where it is larger than `other`, which may not be NaN. (`f32::max` is a function of the library on wasm32.)
#[inline(always)]
pub fn larger(x: f32, other: f32) -> f32 {
    if x > other { x } else { other }
}

/// `x`, or 0 where it is below.
#[inline(always)]
pub fn rectified(x: f32) -> f32 {
    larger(x, 0.0)
}

#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_of_gates_are_those_of_the_library_to_the_last_digits() {
        for step in -4000..=4000 {
            let x = step as f32 * 0.01;
            assert!((tanh(x) - x.tanh()).abs() < 4e-7, "tanh {x}: {} and {}", tanh(x), x.tanh());
            let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - expected).abs() < 2e-7, "sigmoid {x}: {} and {expected}", sigmoid(x));
        }
    }
}
