package io.vpasid.pci.occupancy;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// Who owns each byte of one configuration space.
///
/// Owners claim bytes in an order; a byte belongs to the first that claims it. What nobody claims
/// is free.
public final class OccupancyMap {
  private static final Segment NOBODY = new Segment(new ByteRange(0, 0), Use.FREE, "");

  private final int size;

  /// The claims that got a byte, in their order; the first stands for nobody.
  private final List<Claim> claims;

  /// The bytes that somebody claims.
  private final BitSet claimed;

  private OccupancyMap(Builder builder) {
    size = builder.size;
    claims = List.copyOf(builder.claims);
    claimed = (BitSet) builder.claimed.clone();
  }

  /// A range that somebody asked for, of which others may have had some before.
  ///
  /// @param segment the bytes, and for whom
  /// @param scattered those bytes if they are no range
  private record Claim(Segment segment, Optional<BitSet> scattered) {
    Claim(Segment segment) {
      this(segment, Optional.empty());
    }

    boolean has(int offset) {
      return scattered.isPresent() ? scattered.get().get(offset) : segment.range().contains(offset);
    }
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
    return size;
  }

  /// Why the byte at `offset` is not free, or that it is.
  ///
  /// @throws IndexOutOfBoundsException if it lies outside; likewise for the owner
  public Use useAt(int offset) {
    return claim(claimAt(offset)).use();
  }

  /// Who owns the byte at `offset`; empty if it is free.
  public String ownerAt(int offset) {
    return claim(claimAt(offset)).owner();
  }

  /// The number of the claim that got the byte at `offset`; 0 if nobody claims it.
  public int claimAt(int offset) {
    if (!claimed.get(Objects.checkIndex(offset, size))) {
      return 0;
    }
    int number = 1;
    while (!claims.get(number).has(offset)) {
      number++;
    }
    return number;
  }

  /// A claim by its number: the bytes that were asked for, of which others may have some.
  public Segment claim(int number) {
    return claims.get(number).segment;
  }

  /// True if nobody owns any byte of `range`; false if it reaches outside the space.
  public boolean isFree(ByteRange range) {
    int first = claimed.nextSetBit(range.offset());
    return range.end() <= size && (first < 0 || first >= range.end());
  }

  /// The whole space as runs of bytes with the same owner, in address order.
  public List<Segment> segments() {
    int[] claimOf = new int[size];
    for (int number = claims.size() - 1; number > 0; number--) {
      Claim claim = claims.get(number);
      if (claim.scattered.isPresent()) {
        int of = number;
        claim.scattered.get().stream().forEach(at -> claimOf[at] = of);
      } else {
        ByteRange range = claim.segment.range();
        Arrays.fill(claimOf, range.offset(), Math.min(range.end(), size), number);
      }
    }
    List<Segment> segments = new ArrayList<>();
    int start = 0;
    for (int at = 1; at <= size; at++) {
      if (at == size || claimOf[at] != claimOf[start]) {
        Segment claim = claim(claimOf[start]);
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
    BitSet listed = new BitSet(size);
    for (Claim claim : claims.reversed()) {
      boolean isListed = claim.segment.use().isListed();
      if (claim.scattered.isPresent()) {
        listed.andNot(claim.scattered.get());
      } else {
        ByteRange range = claim.segment.range();
        listed.set(range.offset(), Math.min(range.end(), size), isListed);
      }
    }
    return runsOutside(listed);
  }

  /// The runs of bytes that nobody owns, in address order.
  public List<ByteRange> free() {
    return runsOutside(claimed);
  }

  private List<ByteRange> runsOutside(BitSet bytes) {
    List<ByteRange> runs = new ArrayList<>();
    for (int start = bytes.nextClearBit(0); start < size; ) {
      int next = bytes.nextSetBit(start);
      int end = next < 0 ? size : next;
      runs.add(ByteRange.between(start, end));
      start = bytes.nextClearBit(end);
    }
    return runs;
  }

  /// Collects claims. Not for sharing between threads.
  public static final class Builder {
    private final int size;
    private final BitSet claimed;
    private final List<Claim> claims = new ArrayList<>();

    private Builder(int size) {
      this.size = size;
      claimed = new BitSet(size);
      claims.add(new Claim(NOBODY));
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

    private Builder claim(Segment segment) {
      int start = segment.range().offset();
      int end = Math.min(segment.range().end(), size);
      if (start < end && claimed.nextClearBit(start) < end) {
        claims.add(new Claim(segment));
        claimed.set(start, end);
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
      BitSet bytes = new BitSet(size);
      int end = Math.min(config.size(), size);
      for (int at = 0; at < end; at += 8) {
        if (config.u64(at) != 0) {
          for (int b = at; b < at + 8; b++) {
            if (config.u8(b) != 0 && !claimed.get(b)) {
              bytes.set(b);
            }
          }
        }
      }
      if (!bytes.isEmpty()) {
        ByteRange around = ByteRange.between(bytes.nextSetBit(0), bytes.length());
        claims.add(new Claim(new Segment(around, Use.NON_ZERO, owner), Optional.of(bytes)));
        claimed.or(bytes);
      }
      return this;
    }

    /// The map of what has been claimed.
    public OccupancyMap build() {
      return new OccupancyMap(this);
    }
  }
}
