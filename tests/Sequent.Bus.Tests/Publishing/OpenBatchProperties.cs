using CsCheck;
using Sequent.Bus.Publishing;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Publishing;

/// <summary>The sequence rules against a list: values per key have no gap, ids are stored once, a failed atomic batch leaves no trace.</summary>
internal sealed class OpenBatchProperties
{
    private static readonly Gen<NewEvent> Event = Gen.Select(Gen.Int[0, 3], Gen.Int[-1, 4], Gen.Int[0, 12])
        .Select((key, value, id) => new NewEvent($"k{key}", value < 0 ? null : (uint)value, 1, "t", "1"u8.ToArray()) { EventId = id == 0 ? null : new Guid(id, 0, 0, new byte[8]) });

    private static readonly Gen<NewMessage> Message = Gen.Select(Event.Array[1, 4], Gen.Bool)
        .Select((events, atomic) => new NewMessage(events) { Atomic = atomic });

    [Test]
    public void Accepted_events_follow_the_last_one_of_their_key_and_ids_are_stored_once() =>
        Gen.Select(Message.Array[0, 30], Gen.Int[1, 5]).Sample(
            (messages, perBatch) =>
            {
                var table = new SequenceTable();
                var log = new List<StoredEvent>();
                foreach (var chunk in messages.Chunk(perBatch))
                {
                    var batch = table.Open(1);
                    foreach (var message in chunk)
                        Check(message, batch, log);
                    table.Apply(batch);
                    log.AddRange(batch.Events);
                }

                Assert.That(log.Select(e => e.Position), Is.EqualTo(Enumerable.Range(1, log.Count).Select(p => (long)p)));
                foreach (var key in log.GroupBy(e => e.Key))
                {
                    Assert.That(key.Select(e => e.Value), Is.EqualTo(Enumerable.Range(0, key.Count()).Select(v => (uint)v)));
                    Assert.That(key.Select(e => e.Previous), Is.EqualTo(key.Select(e => e.Position).SkipLast(1).Prepend(0)), "the chain of the key");
                }

                Assert.That(log.Where(e => e.EventId is not null).Select(e => e.EventId), Is.Unique);
            },
            iter: 2_000);

    private static void Check(NewMessage message, OpenBatch batch, List<StoredEvent> log)
    {
        var before = batch.Events.Count;
        var places = log.Where(e => e.EventId is not null).ToDictionary(e => e.EventId!.Value, e => new StoredPlace(e.Key, e.Value, e.Position, e.EventType));
        var entries = batch.Decide(new PublishRequest(message, new Producer(1, "s"), ProtocolVersion.V2, (_, _) => { }), places);
        var accepted = batch.Events.Skip(before).ToList();

        Assert.That(entries, Has.Count.EqualTo(message.Events.Count));
        Assert.That(entries.Count(e => e.Status == ReceiptStatus.Success), Is.EqualTo(accepted.Count));
        Assert.That(accepted.Select(e => (long?)e.Position), Is.EqualTo(entries.Where(e => e.Status == ReceiptStatus.Success).Select(e => e.Position)));
        if (message.Atomic)
            Assert.That(accepted, Has.Count.EqualTo(0).Or.Count.EqualTo(message.Events.Count), "all or none");
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Status == ReceiptStatus.Inconsistent)
                Assert.That(entries[i].Expected, Is.Not.EqualTo(message.Events[i].Value));
        }
    }

    [Test]
    public void A_key_ends_after_its_last_value()
    {
        var table = new SequenceTable();
        table.Restore("k", new KeyEnd(uint.MaxValue, 1));
        ReceiptEntry Decide(ProtocolVersion version) => table.Open(1).Decide(
            new PublishRequest(new NewMessage([new NewEvent("k", null, 1, "t", "1"u8.ToArray())]), new Producer(1, "s"), version, (_, _) => { }),
            new Dictionary<Guid, StoredPlace>())[0];
        Assert.That(Decide(ProtocolVersion.V2).Reason, Is.EqualTo(RejectReasons.KeyExhausted));
        Assert.That(Decide(ProtocolVersion.V1).Status, Is.EqualTo(ReceiptStatus.Inconsistent));
    }

    [Test]
    public void Time_never_runs_backwards()
    {
        var table = new SequenceTable();
        table.Restore(new LogEnd(7, 1_000));
        Assert.That(table.Open(500).TimeMicros, Is.EqualTo(1_000));
        Assert.That(table.Open(1_500).TimeMicros, Is.EqualTo(1_500));
    }
}
