/**
 * The kernels: one line each. A file exports its entries, the backward beside the forward, and the types of their arguments;
 * nothing else is listed anywhere.
 */

// Arithmetic.
export * from './fill';
export * from './cast';
export * from './copyBlock';
export * from './add';
export * from './multiply';
export * from './broadcastRows';
export * from './sumRows';

// Activations.
export * from './gelu';
export * from './swiglu';
export * from './logSigmoid';
export * from './onePlusTanh';

// Products, norms, lookup, loss.
export * from './matmul';
export * from './norms';
export * from './embed';
export * from './crossEntropy';

// Attention by softmax.
export * from './softmaxAttention';

// Phases and gates.
export * from './rotary';
export * from './phaseSum';
export * from './gateSum';
export * from './resetGates';

// The gated power recurrence; specification §6 and §7.
export * from './keyScale';
export * from './scaleHeads';
export * from './updateState';
export * from './discountedSum';
export * from './powerAttention';
export * from './queryState';
export * from './stepState';
export * from './append';
export * from './queryWindow';

// Optimizer.
export * from './adamw';
export * from './squaredNorm';
