package io.vpasid.synth.quirk;

import java.util.ArrayList;
import java.util.List;

/// Finds the matches that a function may fulfil, without looking at the others.
///
/// Vendor and device form one number of 32 bits, so that a device, a range of devices, all devices
/// of a vendor and all devices are intervals of such numbers. They lie in an array by their first
/// number, which is read as a balanced search tree: the middle of a stretch is its root. Each node
/// knows the highest last number in its stretch, so a search leaves out every stretch that ends
/// before the number it looks for. It takes O(log n) steps for each interval it finds, and for none
/// at all if there is none.
final class QuirkIndex {
  private static final int ALL = 0xffff;

  /// One device alternative of a match.
  ///
  /// @param first lowest number of the interval
  /// @param last highest number of the interval
  /// @param rank of the device condition, as in [QuirkMatch]
  private record Node(long first, long last, int rank, QuirkMatch match, RankedQuirk quirk) {}

  private final Node[] nodes;

  /// At the root of a stretch: the highest last number in it.
  private final long[] highest;

  QuirkIndex(List<RankedQuirk> quirks) {
    List<Node> all = new ArrayList<>();
    for (RankedQuirk ranked : quirks) {
      for (QuirkMatch match : ranked.quirk().matches()) {
        int vendor = match.vendor();
        if (vendor == QuirkMatch.ANY) {
          all.add(new Node(number(0, 0), number(ALL, ALL), QuirkMatch.ANY_VENDOR, match, ranked));
        } else if (match.devices().isEmpty()) {
          all.add(
              new Node(
                  number(vendor, 0), number(vendor, ALL), QuirkMatch.WHOLE_VENDOR, match, ranked));
        }
        for (IdRange devices : match.devices()) {
          int rank = devices.isSingle() ? QuirkMatch.ONE_DEVICE : QuirkMatch.DEVICE_RANGE;
          long first = number(vendor, devices.first());
          all.add(new Node(first, number(vendor, devices.last()), rank, match, ranked));
        }
      }
    }
    all.sort((a, b) -> Long.compare(a.first, b.first));
    nodes = all.toArray(Node[]::new);
    highest = new long[nodes.length];
    fill(0, nodes.length);
  }

  private static long number(int vendor, int device) {
    return (long) vendor << 16 | device;
  }

  private long fill(int from, int to) {
    if (from == to) {
      return -1;
    }
    int root = (from + to) >>> 1;
    highest[root] = Math.max(nodes[root].last(), Math.max(fill(from, root), fill(root + 1, to)));
    return highest[root];
  }

  /// The quirks that match `function`, in no order; one may be there several times.
  List<RankedQuirk.Hit> search(FunctionIdentity function) {
    List<RankedQuirk.Hit> hits = new ArrayList<>(0);
    search(number(function), 0, nodes.length, function, hits);
    return hits;
  }

  /// How many nodes a search looks at: what it costs.
  int steps(FunctionIdentity function) {
    return search(number(function), 0, nodes.length, function, new ArrayList<>());
  }

  private static long number(FunctionIdentity function) {
    return number(function.id().vendor(), function.id().device());
  }

  private int search(
      long number, int from, int to, FunctionIdentity function, List<RankedQuirk.Hit> hits) {
    int steps = 0;
    int start = from;
    while (start < to) {
      steps++;
      int root = (start + to) >>> 1;
      if (highest[root] < number) {
        break;
      }
      steps += search(number, start, root, function, hits);
      Node node = nodes[root];
      if (node.first > number) {
        break;
      }
      if (node.last >= number) {
        int specificity = node.match.specificity(function, node.rank);
        if (specificity != QuirkMatch.NO_MATCH) {
          hits.add(new RankedQuirk.Hit(node.quirk, specificity));
        }
      }
      start = root + 1;
    }
    return steps;
  }
}
