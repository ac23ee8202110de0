//! A source: counts up to a limit.
//!
//! Build it with `millrace plugin build .`, test it with `cargo test`. What it may reach beyond computing is granted with
//! `millrace plugin grant`: see `capabilities`.

use millrace_plugin::prelude::*;

output_row! {
    /// What is emitted.
    pub struct Number {
        /// Counts from 0.
        number: i64,
    }
}

/// The source.
pub struct Numbers {
    /// The next number of this subtask; every subtask has a share of its own.
    next: u64,
    step: u64,
    limit: u64,
}

impl Source for Numbers {
    type Row = Number;

    fn open(place: Place, restored: Vec<Vec<u8>>, params: &Params) -> Result<Self> {
        let mut next = u64::from(place.subtask);
        for position in restored {
            let position = position.try_into().map(u64::from_le_bytes).map_err(|_| Error::new("not a position of this source"))?;
            // With another parallelism the positions are those of all subtasks; this source can go on only as it was.
            if position % u64::from(place.parallelism) != u64::from(place.subtask) {
                bail!("this source cannot change its parallelism");
            }
            next = position;
        }
        Ok(Self { next, step: u64::from(place.parallelism), limit: params.get_or("limit", 1_000)? })
    }

    fn poll(&mut self, rows_max: usize, out: &mut Emit<Self::Row>) -> Result<Polled> {
        while out.len() < rows_max && self.next < self.limit {
            out.emit(Number { number: self.next as i64 });
            self.next += self.step;
        }
        Ok(if self.next < self.limit { Polled::ready() } else { Polled::finished() })
    }

    fn position(&mut self) -> Result<Vec<u8>> {
        Ok(self.next.to_le_bytes().to_vec())
    }
}

export_source!(Numbers);

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::SourceHarness;

    #[test]
    fn goes_on_where_it_stood() {
        let place = Place { subtask: 1, parallelism: 2 };
        let mut source = SourceHarness::<Numbers>::open(place, vec![], &[("limit", "6")]).expect("opens");
        assert_eq!(source.poll(2).expect("works").0, ["1", "3"]);
        let position = source.position().expect("works");
        let mut source = SourceHarness::<Numbers>::open(place, vec![position], &[("limit", "6")]).expect("opens");
        assert_eq!(source.poll(9).expect("works"), (vec!["5".to_owned()], Polled::finished()));
    }
}
