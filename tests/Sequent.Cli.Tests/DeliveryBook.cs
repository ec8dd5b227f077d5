using System.Diagnostics;
using System.Globalization;
using Sequent.Protocol;

namespace Sequent.Cli.Tests;

/// <summary>What the instances of one client type got and acked, over all the servers that were killed.</summary>
internal sealed class DeliveryBook
{
    /// <summary>The saving of an ack as old as this has begun: ten times the interval in which the bus saves.</summary>
    private static readonly TimeSpan Ripe = TimeSpan.FromSeconds(1);

    /// <summary>By then the save after one that was slow has begun.</summary>
    private static readonly TimeSpan SaveBegins = TimeSpan.FromMilliseconds(300);

    /// <summary>The bus gives an event up after so many failures.</summary>
    private const int MaxDeliveries = 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, uint> _next = [];
    private readonly Dictionary<long, (DateTime At, object Session)> _acks = [];
    private readonly HashSet<object> _resetSessions = [];
    private readonly List<(TimeSpan At, WireSession Session, string What, string Key, long Position, long Delivery)> _history = [];
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly HashSet<long> _everAcked = [];
    private readonly HashSet<long> _safe = [];
    private readonly Dictionary<long, int> _nacks = [];
    private readonly HashSet<long> _delivered = [];
    private int _deliveries;
    private int _resets;

    /// <summary>Another server: what the last one did not save will come again.</summary>
    public void NoteStart()
    {
        lock (_lock)
        {
            _acks.Clear();
            _resetSessions.Clear();
            _history.Clear();
        }
    }

    public void NoteDelivery(WireSession session, DeliveredEvent delivered)
    {
        lock (_lock)
        {
            var e = delivered.Event;
            var position = e.Position;
            _deliveries++;
            Note(session, "delivered", e, delivered.Delivery);
            if (_safe.Contains(position))
                Assert.Fail($"Position {position} was acked long before a kill and came back.\n{HistoryOf(e.Key)}");
            if (_acks.Remove(position, out var ack) && !_resetSessions.Contains(ack.Session))
                Assert.Fail($"Position {position} was acked over a connection that lives, and came back.\n{HistoryOf(e.Key)}");
            if (!_delivered.Add(position))
                return;
            Assert.That(e.Value, Is.EqualTo(_next.GetValueOrDefault(e.Key)), $"first deliveries of {e.Key} are in order");
            _next[e.Key] = e.Value + 1;
        }
    }

    public void NoteAcks(WireSession session, IEnumerable<KeyValuePair<long, WireEvent>> handled)
    {
        lock (_lock)
        {
            foreach (var (delivery, e) in handled)
            {
                Note(session, "acked", e, delivery);
                _acks[e.Position] = (DateTime.UtcNow, session);
                _everAcked.Add(e.Position);
            }
        }
    }

    public void NoteNack(WireSession session, WireEvent e, long delivery)
    {
        lock (_lock)
        {
            Note(session, "nacked", e, delivery);
            _nacks[e.Position] = _nacks.GetValueOrDefault(e.Position) + 1;
        }
    }

    public void NoteRevoked(WireSession session, WireEvent e, long delivery)
    {
        lock (_lock)
            Note(session, "revoked", e, delivery);
    }

    /// <summary>A session reset its connection: what it had just acked may not have arrived.</summary>
    public void NoteReset(WireSession session)
    {
        lock (_lock)
        {
            _resets++;
            _resetSessions.Add(session);
            foreach (var (position, ack) in _acks.Where(a => a.Value.Session == session && DateTime.UtcNow - a.Value.At < Ripe).ToArray())
                _acks.Remove(position);
        }
    }

    /// <summary>The server is about to be killed: what was acked long enough before is settled for good, the rest may come again.</summary>
    /// <param name="waits">Waits until there is an ack that the kill must not take back.</param>
    /// <param name="consumersEnded">Nobody acks any more.</param>
    /// <param name="untilStoredAsync">Returns when what the store has begun is on disk: however slow the disk is just now, its work is done one after the other. A save waits for the one before it.</param>
    public async Task BeginKillAsync(bool waits, Task consumersEnded, Func<Task> untilStoredAsync)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (waits && !consumersEnded.IsCompleted && !HasRipeAck() && await tick.WaitForNextTickAsync())
        {
        }

        if (!waits)
            return;
        long[] ripe;
        lock (_lock)
        {
            var now = DateTime.UtcNow;
            ripe = [.. _acks.Where(a => now - a.Value.At >= Ripe).Select(a => a.Key)];
        }

        await untilStoredAsync();
        await Task.Delay(SaveBegins);
        await untilStoredAsync();
        lock (_lock)
            _safe.UnionWith(ripe.Where(_acks.ContainsKey)); // not those of a connection that was reset meanwhile
    }

    /// <summary>Everything stored was delivered, and is acked or was given up after enough failures.</summary>
    public void Check(IReadOnlyList<WireEvent> stored, IReadOnlyDictionary<long, int> letters)
    {
        lock (_lock)
        {
            var positions = stored.Select(e => e.Position).ToHashSet();
            Assert.That(positions.Except(_delivered), Is.Empty, "every event was delivered");
            Assert.That(positions.Except(_everAcked).Except(letters.Keys), Is.Empty, "everything is acked or a dead letter");
            foreach (var (position, attempts) in letters)
                Assert.That((attempts, _nacks.GetValueOrDefault(position) >= attempts), Is.EqualTo((MaxDeliveries, true)), $"position {position} failed often enough");
            Assert.That(_safe, Is.Not.Empty, "some acks were old enough to be safe");
            Assert.That(letters, Is.Not.Empty, "something was given up");
        }
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{_deliveries} deliveries of {_delivered.Count} events, {_everAcked.Count} acked, {_nacks.Values.Sum()} nacks, {_resets} connections reset, {_safe.Count} acks safe before a kill");

    private void Note(WireSession session, string what, WireEvent e, long delivery) => _history.Add((_watch.Elapsed, session, what, e.Key, e.Position, delivery));

    /// <summary>What happened to a key since this server started.</summary>
    private string HistoryOf(string key)
    {
        var sessions = _history.Select(h => h.Session).Distinct().ToList();
        return string.Join('\n', _history.Where(h => h.Key == key).TakeLast(60).Select(h => string.Create(
            CultureInfo.InvariantCulture, $"{h.At.TotalMilliseconds:F1} ms, session {sessions.IndexOf(h.Session)}: {h.What} {h.Position} as {h.Delivery}")));
    }

    private bool HasRipeAck()
    {
        lock (_lock)
            return _acks.Values.Any(ack => DateTime.UtcNow - ack.At > Ripe);
    }
}
