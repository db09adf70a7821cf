//! Numbers of sixteen bits (IEEE 754 binary16), in which a file keeps its matrices. Whole layers of them fit half the room,
//! and the networks lose nothing that a listener or their T could tell.

/// The nearest one, of two the even one; beyond the largest, 65504, infinity.
pub fn to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    let rounded = |mantissa: u32, dropped: u32| {
        let (kept, rest, middle) = (mantissa >> dropped, mantissa & ((1 << dropped) - 1), 1 << (dropped - 1));
        kept + u32::from(rest > middle || rest == middle && kept & 1 == 1)
    };
    let half = match magnitude {
        0x7f80_0001.. => 0x7e00,
        // 65520, from which on all is rounded up.
        0x477f_f000.. => 0x7c00,
        // 2^-14, the smallest that is normal; a mantissa that overflows goes over into the exponent.
        0x3880_0000.. => rounded(magnitude - 0x3800_0000, 13),
        // 2^-25, half of the smallest of all.
        0x3300_0000.. => rounded(magnitude & 0x7f_ffff | 0x80_0000, 126 - (magnitude >> 23)),
        _ => 0,
    };
    sign | half as u16
}

/// Exactly. Without branches, so that a million of them are turned in registers.
#[inline]
pub fn from_half(half: u16) -> f32 {
    let (exponent, mantissa) = (u32::from(half >> 10 & 0x1f), u32::from(half & 0x3ff));
    // Whole multiples of 2^-24.
    let small = (mantissa as i32 as f32 * (1.0 / 16_777_216.0)).to_bits();
    let above = if exponent == 31 { 224 } else { 112 };
    let usual = (exponent + above) << 23 | mantissa << 13;
    let magnitude = if exponent == 0 { small } else { usual };
    f32::from_bits(u32::from(half & 0x8000) << 16 | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back_from_its_value() {
        for half in 0..=u16::MAX {
            let value = from_half(half);
            assert!(value.is_nan() || to_half(value) == half, "{half:#06x} is {value}");
        }
        assert_eq!([0x3c00, 0xc000, 0x0001, 0x7bff].map(from_half), [1.0, -2.0, 2f32.powi(-24), 65504.0]);
    }

    #[test]
    fn a_value_is_rounded_to_the_nearest_half_and_between_two_to_the_even_one() {
        for half in (0..0x7c00).step_by(7) {
            let (low, high) = (from_half(half), from_half(half + 1));
            let middle = if high.is_infinite() { 65520.0 } else { low + (high - low) / 2.0 };
            for value in [middle.next_down(), low] {
                assert_eq!(to_half(value), half, "{value}");
            }
            assert_eq!(to_half(middle), half + (half & 1), "{middle}");
            assert_eq!(to_half(-middle.next_up()), 0x8000 | (half + 1), "{middle}");
        }
        assert!(from_half(to_half(f32::NAN)).is_nan());
        assert_eq!([f32::INFINITY, 1e9].map(to_half), [0x7c00; 2]);
    }
}
