// What was picked, and every state before it. States are never changed, only followed by others.

export class History {
  constructor(state, changed) {
    this.states = [state];
    this.now = 0;
    this.changed = changed;
  }

  get state() { return this.states[this.now]; }
  get canUndo() { return this.now > 0; }
  get canRedo() { return this.now < this.states.length - 1; }

  /** The state with some of its fields replaced comes next; what was undone is forgotten. */
  push(fields) {
    this.states = [...this.states.slice(0, this.now + 1), { ...this.state, ...fields }];
    this.now += 1;
    this.changed();
  }

  undo() { if (this.canUndo) { this.now -= 1; this.changed(); } }
  redo() { if (this.canRedo) { this.now += 1; this.changed(); } }
}
