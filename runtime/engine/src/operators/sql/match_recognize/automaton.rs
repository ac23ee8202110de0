//! The automaton of a pattern, with the states and edges that Flink's `NFACompiler` makes of variables that follow each
//! other strictly.
//!
//! A state takes a row and goes on, or proceeds without one; where both are possible a partial match becomes two. A greedy
//! variable forbids what stands behind it to leave as long as the row could be its own.

use millrace_sql::plan::MatchVariable;

/// A state by its number; those of a variable follow each other.
pub(super) type StateId = u32;

/// What leads from a state to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    pub target: StateId,
    /// Takes the row, which must meet the condition of the state's variable; else goes on without it.
    pub takes: bool,
    /// Variables whose conditions the row must not meet.
    pub unless: Vec<u16>,
}

#[derive(Debug, Default)]
struct State {
    variable: u16,
    edges: Vec<Edge>,
}

/// The states of a pattern.
#[derive(Debug)]
pub(super) struct Automaton {
    states: Vec<State>,
    start: StateId,
    /// Per state the variables whose conditions may be asked for in it.
    asked: Vec<Vec<u16>>,
    /// Variables that may take the first row of a match.
    beginning: Vec<u16>,
}

/// The state behind the last variable.
pub(super) const FINAL: StateId = 0;

impl Automaton {
    pub(super) fn new(variables: &[MatchVariable]) -> Self {
        let mut made = Self { states: vec![State::default()], start: FINAL, asked: Vec::new(), beginning: Vec::new() };
        for (variable, what) in variables.iter().enumerate().rev() {
            made.start = made.add_variable(variable as u16, what, made.start);
        }
        made.beginning = made.asked_in(made.start).0;
        made.asked = (0..made.states.len()).map(|state| made.asked_in(state as StateId).1).collect();
        made
    }

    pub(super) fn start(&self) -> StateId {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    pub(super) fn edges(&self, state: StateId) -> &[Edge] {
        &self.states[state as usize].edges
    }

    pub(super) fn variable(&self, state: StateId) -> u16 {
        self.states[state as usize].variable
    }

    pub(super) fn beginning(&self) -> &[u16] {
        &self.beginning
    }

    pub(super) fn asked(&self, state: StateId) -> &[u16] {
        &self.asked[state as usize]
    }

    fn add_state(&mut self, variable: u16, edges: Vec<Edge>) -> StateId {
        self.states.push(State { variable, edges });
        (self.states.len() - 1) as StateId
    }

    /// The states of one variable before `behind`; answers the first.
    fn add_variable(&mut self, variable: u16, what: &MatchVariable, behind: StateId) -> StateId {
        let proceed = Edge { target: behind, takes: false, unless: Vec::new() };
        let (mut next, mut repeats) = (behind, 0);
        match what.most {
            None => {
                if what.is_greedy {
                    self.forbid(behind, variable);
                }
                next = self.add_state(variable, vec![proceed.clone()]);
                let again = Edge { target: next, takes: true, unless: Vec::new() };
                self.states[next as usize].edges.push(again);
            }
            Some(most) => {
                let least = what.least.max(1);
                if what.is_greedy && most > least {
                    self.forbid(behind, variable);
                }
                repeats = most.saturating_sub(least);
            }
        }
        let take = |target| Edge { target, takes: true, unless: Vec::new() };
        for _ in 0..repeats {
            next = self.add_state(variable, vec![take(next), proceed.clone()]);
        }
        for _ in 1..what.least.max(1) {
            next = self.add_state(variable, vec![take(next)]);
        }
        let mut edges = vec![take(next)];
        if what.least == 0 {
            edges.push(proceed);
        }
        self.add_state(variable, edges)
    }

    /// No edge leaves `state` for a row that `variable` could take.
    fn forbid(&mut self, state: StateId, variable: u16) {
        self.states[state as usize].edges.iter_mut().for_each(|edge| edge.unless.push(variable));
    }

    /// Variables that may take a row in `state`, and all whose conditions may be asked for in it.
    fn asked_in(&self, state: StateId) -> (Vec<u16>, Vec<u16>) {
        let (mut taking, mut asked) = (Vec::new(), Vec::new());
        for state in self.reached_without_row(state) {
            for edge in self.edges(state) {
                asked.extend(&edge.unless);
                if edge.takes {
                    taking.push(self.variable(state));
                    // Whether the match may end there is asked for with the same row.
                    let behind = self.reached_without_row(edge.target);
                    let ends = behind.iter().flat_map(|&state| self.edges(state)).filter(|edge| !edge.takes);
                    asked.extend(ends.flat_map(|edge| &edge.unless));
                }
            }
        }
        asked.extend(&taking);
        for list in [&mut taking, &mut asked] {
            list.sort_unstable();
            list.dedup();
        }
        (taking, asked)
    }

    /// `state`, and the states that can be proceeded to.
    fn reached_without_row(&self, state: StateId) -> Vec<StateId> {
        let (mut reached, mut at) = (vec![state], 0);
        while let Some(&state) = reached.get(at) {
            at += 1;
            for edge in self.edges(state).iter().filter(|edge| !edge.takes) {
                if !reached.contains(&edge.target) {
                    reached.push(edge.target);
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(least: u32, most: Option<u32>, is_greedy: bool) -> MatchVariable {
        MatchVariable { name: String::new(), least, most, is_greedy, condition: None }
    }

    #[test]
    fn states_of_quantifiers() {
        let one = || variable(1, Some(1), false);
        let states = |what: MatchVariable| Automaton::new(&[one(), what, one()]).len() - 1;
        assert_eq!(states(one()), 3);
        assert_eq!(states(variable(0, None, true)), 4, "a loop and the first row");
        assert_eq!(states(variable(3, None, true)), 6);
        assert_eq!(states(variable(0, Some(1), false)), 3);
        assert_eq!(states(variable(2, Some(4), false)), 6);
        assert_eq!(states(variable(0, Some(2), false)), 4);
    }

    #[test]
    fn what_stands_behind_a_greedy_variable_takes_none_of_its_rows() {
        let one = || variable(1, Some(1), false);
        let greedy = Automaton::new(&[variable(1, None, true), one()]);
        let last = greedy.edges(greedy.start())[0].target;
        let behind = greedy.edges(last)[0].target;
        assert_eq!(greedy.edges(behind), [Edge { target: FINAL, takes: true, unless: vec![0] }]);
        let reluctant = Automaton::new(&[variable(1, None, false), one()]);
        assert!((0..reluctant.len()).all(|state| reluctant.edges(state as StateId).iter().all(|e| e.unless.is_empty())));
        assert_eq!(reluctant.asked(reluctant.start()), [0]);
    }
}
