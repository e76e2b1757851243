package io.vpasid.pci.occupancy;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import java.util.ArrayList;
import java.util.List;

/// Who owns each byte of one configuration space.
///
/// Owners claim bytes in an order; a byte belongs to the first that claims it. What nobody claims
/// is free.
public final class OccupancyMap {
  /// What free bytes point at.
  private static final Segment NOBODY = new Segment(new ByteRange(0, 0), Use.FREE, "");

  /// Per byte: the index of its claim.
  private final short[] claimOf;

  /// The claims that got a byte, so at most one per byte; the first stands for nobody.
  private final List<Segment> claims;

  private OccupancyMap(Builder builder) {
    claimOf = builder.claimOf;
    claims = List.copyOf(builder.claims);
  }

  /// The header, the capabilities in the lists, and every other byte that is not 0.
  public static OccupancyMap of(ConfigSpace config, CapabilityChain chain) {
    return builder(config.size()).listed(chain).nonZero(config).build();
  }

  /// Starts a map of `size` bytes, all free.
  public static Builder builder(int size) {
    return new Builder(size);
  }

  /// Number of bytes.
  public int size() {
    return claimOf.length;
  }

  /// Why the byte at `offset` is not free, or that it is.
  public Use useAt(int offset) {
    return claims.get(claimOf[offset]).use();
  }

  /// Who owns the byte at `offset`; empty if it is free.
  public String ownerAt(int offset) {
    return claims.get(claimOf[offset]).owner();
  }

  /// The number of the claim that got the byte at `offset`; 0 if nobody claims it.
  int claimAt(int offset) {
    return claimOf[offset];
  }

  /// A claim by its number: the bytes that were asked for, of which others may have some.
  Segment claim(int number) {
    return claims.get(number);
  }

  /// Whether nobody owns any byte of `range`; false if it reaches outside the space.
  public boolean isFree(ByteRange range) {
    if (range.end() > claimOf.length) {
      return false;
    }
    for (int at = range.offset(); at < range.end(); at++) {
      if (claimOf[at] != 0) {
        return false;
      }
    }
    return true;
  }

  /// The whole space as runs of bytes with the same owner, in address order.
  public List<Segment> segments() {
    List<Segment> segments = new ArrayList<>();
    int start = 0;
    for (int at = 1; at <= claimOf.length; at++) {
      if (at == claimOf.length || claimOf[at] != claimOf[start]) {
        Segment claim = claims.get(claimOf[start]);
        segments.add(
            new Segment(
                ByteRange.between(start, at), claim.use(), claim.owner(), claim.shortName()));
        start = at;
      }
    }
    return segments;
  }

  /// The runs of bytes that belong to no capability in the lists, in address order; they may be in
  /// use all the same.
  public List<ByteRange> gaps() {
    return runs(false);
  }

  /// The runs of bytes that nobody owns, in address order.
  public List<ByteRange> free() {
    return runs(true);
  }

  private List<ByteRange> runs(boolean onlyFree) {
    List<ByteRange> runs = new ArrayList<>();
    int start = -1;
    for (int at = 0; at <= claimOf.length; at++) {
      boolean inside =
          at < claimOf.length
              && (onlyFree ? claimOf[at] == 0 : !claims.get(claimOf[at]).use().isListed());
      if (inside && start < 0) {
        start = at;
      } else if (!inside && start >= 0) {
        runs.add(ByteRange.between(start, at));
        start = -1;
      }
    }
    return runs;
  }

  /// Collects claims. Not for sharing between threads.
  public static final class Builder {
    private final short[] claimOf;
    private final List<Segment> claims = new ArrayList<>();

    private Builder(int size) {
      claimOf = new short[size];
      claims.add(NOBODY);
    }

    /// Claims the header and the extents of all capabilities in the lists.
    public Builder listed(CapabilityChain chain) {
      claim(Header.RANGE, Use.HEADER, "header");
      capabilities(chain.standard(), Use.CAPABILITY);
      capabilities(chain.extended(), Use.CAPABILITY);
      return this;
    }

    /// Claims the extents of `capabilities`, those of unknown length behind all others.
    ///
    /// @param use [Use#CAPABILITY] or [Use#HIDDEN_CAPABILITY]
    public Builder capabilities(List<Capability> capabilities, Use use) {
      for (Capability c : capabilities) {
        if (!c.extent().isLowerBound()) {
          claim(c, use);
        }
      }
      for (Capability c : capabilities) {
        if (c.extent().isLowerBound()) {
          Use uncertain = use == Use.CAPABILITY ? Use.CAPABILITY_OF_UNKNOWN_LENGTH : use;
          claim(c, uncertain);
        }
      }
      return this;
    }

    /// Claims those bytes of `range` that nobody has claimed; what lies outside the space is
    /// ignored.
    public Builder claim(ByteRange range, Use use, String owner) {
      return claim(new Segment(range, use, owner));
    }

    /// The same with a short name for where there is little room.
    public Builder claim(ByteRange range, Use use, String owner, String shortName) {
      return claim(new Segment(range, use, owner, shortName));
    }

    private Builder claim(Capability c, Use use) {
      return claim(new Segment(c.extent().range(), use, c.id().title(), c.id().mnemonic()));
    }

    private Builder claim(Segment claim) {
      short index = (short) claims.size();
      boolean claimed = false;
      int end = Math.min(claim.range().end(), claimOf.length);
      for (int at = claim.range().offset(); at < end; at++) {
        if (claimOf[at] == 0) {
          claimOf[at] = index;
          claimed = true;
        }
      }
      if (claimed) {
        claims.add(claim);
      }
      return this;
    }

    /// Claims every byte that is not 0 in `config` and that nobody has claimed.
    public Builder nonZero(ConfigSpace config) {
      return nonZero(config, "not zero");
    }

    /// The same for another capture of the function than the one that the map is of.
    ///
    /// @param owner what to call such bytes
    public Builder nonZero(ConfigSpace config, String owner) {
      short index = (short) claims.size();
      claims.add(new Segment(new ByteRange(0, 0), Use.NON_ZERO, owner));
      int end = Math.min(config.size(), claimOf.length);
      for (int at = 0; at < end; at += 8) {
        if (config.u64(at) != 0) {
          for (int b = at; b < at + 8; b++) {
            if (claimOf[b] == 0 && config.u8(b) != 0) {
              claimOf[b] = index;
            }
          }
        }
      }
      return this;
    }

    /// The map of what has been claimed.
    public OccupancyMap build() {
      return new OccupancyMap(this);
    }
  }
}
