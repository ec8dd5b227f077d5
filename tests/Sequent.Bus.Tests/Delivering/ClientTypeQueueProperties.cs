using CsCheck;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>Whatever happens in whatever order: one owner per key, order per key, nothing owed is lost, nothing settled comes back.</summary>
internal sealed class ClientTypeQueueProperties
{
    private static readonly string[][] Types = [["a"], ["b"], ["a", "b"], ["a", "b"]];

    private static readonly Gen<Action<QueueModel>> Publish = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 5])
        .Select<(int, int), Action<QueueModel>>(t => m => m.Publish(t.Item1, t.Item2 switch { 0 => "x", < 3 => "b", _ => "a" }));

    private static readonly Gen<Action<QueueModel>> Join = Gen.Select(Gen.Int[0, 3], Gen.Int[1, 6], Gen.Int[1, 3], Gen.Int[0, 3])
        .Select<(int, int, int, int), Action<QueueModel>>(t => m =>
        {
            if (m.InstanceCount < 4)
                m.Join(Types[t.Item1], t.Item2, t.Item3, isV1: t.Item4 == 0);
        });

    private static readonly Gen<Action<QueueModel>> Act = Gen.Select(Gen.Int[0, 16], Gen.Int[0, 50], Gen.Int[0, 50])
        .Select<(int, int, int), Action<QueueModel>>(t => m =>
        {
            if (m.InstanceCount == 0)
                return;
            var instance = m.InstanceAt(t.Item2);
            switch (t.Item1)
            {
                case 0: m.Nack(instance, t.Item3, delay: 2 * t.Item3, deadLetter: false); break;
                case 1: m.Nack(instance, t.Item3, delay: t.Item3 % 4 == 0 ? null : t.Item3, deadLetter: false); break;
                case 2: m.Nack(instance, t.Item3, delay: null, deadLetter: true); break;
                case 3: m.AckRevoked(instance, t.Item3); break;
                case 4: m.Leave(instance, isLost: true); break;
                case 5: m.Leave(instance, isLost: false); break;
                case 6: m.AckUpTo(instance, t.Item3); break;
                case 7: m.Rejoin(instance, Types[t.Item3 % 4], 1 + (t.Item3 % 6)); break;
                case 8: m.Drain(instance); break;
                case 9: m.Extend(instance, t.Item3, 100 + t.Item3); break;
                default: m.Ack(instance, t.Item3); break;
            }
        });

    private static readonly Gen<Action<QueueModel>> Pass = Gen.Select(Gen.Int[0, 13], Gen.Int[1, 60])
        .Select<(int, int), Action<QueueModel>>(t => m =>
        {
            switch (t.Item1)
            {
                case 0: m.Restart(); break;
                case 1: m.Crash(savingHappened: t.Item2 % 2 == 0); break;
                case 2: m.EndSave(works: false); break;
                case < 6: m.EndSave(works: true); break;
                case < 9: m.BeginSave(); break;
                case 9: m.Redrive(t.Item2); break;
                case 10: m.Settle(readFailures: 2); break;
                case 11 when t.Item2 % 4 == 0: m.Tick(t.Item2 * 4_000); break;
                default: m.Tick(t.Item2); break;
            }
        });

    [Test]
    public void The_guarantees_of_delivery_hold_over_random_histories() =>
        Gen.Frequency((5, Publish), (1, Join), (7, Act), (4, Pass)).Array[0, 150].Sample(
            steps =>
            {
                var model = new QueueModel();
                try
                {
                    foreach (var step in steps)
                    {
                        step(model);
                        model.Settle(readFailures: 0);
                    }

                    model.SettleEverything();
                }
                catch (AssertionException fault)
                {
                    throw new AssertionException($"{fault.Message}\n{model.History}");
                }
            },
            iter: 5_000);
}
