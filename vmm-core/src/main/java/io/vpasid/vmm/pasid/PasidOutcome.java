package io.vpasid.vmm.pasid;

/// What a request did to a PASID, or that it was refused.
public sealed interface PasidOutcome permits AttachOutcome, DetachOutcome.Detached {}
