package io.vpasid.vmm.pasid;

/// Effect of a request on a PASID, or its refusal.
public sealed interface PasidOutcome permits AttachOutcome, DetachOutcome.Detached {}
