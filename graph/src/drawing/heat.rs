//! The colour of heat: white, yellow, red, all light enough for black text.

use std::fmt;

/// At 0, at one half, at 1.
const STOPS: [[f32; 3]; 3] = [[255.0, 255.0, 255.0], [255.0, 222.0, 125.0], [242.0, 116.0, 88.0]];

/// A heat from 0 to 1, written as a colour such as `#ffde7d`.
pub(super) struct HeatColour(pub(super) f32);

impl fmt::Display for HeatColour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lower = if self.0 < 0.5 { 0 } else { 1 };
        let share = self.0 * 2.0 - lower as f32;
        write!(formatter, "#")?;
        for (low, high) in STOPS[lower].into_iter().zip(STOPS[lower + 1]) {
            write!(formatter, "{:02x}", (low + (high - low) * share).round() as u8)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::HeatColour;

    #[test]
    fn heat_goes_from_white_over_yellow_to_red() {
        let colours = [0.0, 0.25, 0.5, 1.0].map(|heat| HeatColour(heat).to_string());
        assert_eq!(colours, ["#ffffff", "#ffefbe", "#ffde7d", "#f27458"]);
    }
}
