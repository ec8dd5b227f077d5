using CsCheck;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>Whatever happens in whatever order: one owner per key, order per key, nothing owed is lost, nothing settled comes back.</summary>
internal sealed class ClientTypeQueueProperties
{
    private static readonly Gen<Action<QueueModel>> Publish = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 4])
        .Select<(int, int), Action<QueueModel>>(t => m =>
        {
            m.Publish(t.Item1, isWanted: t.Item2 > 0);
            m.Feed();
        });

    private static readonly Gen<Action<QueueModel>> Join = Gen.Select(Gen.Int[1, 6], Gen.Int[1, 3], Gen.Int[0, 3])
        .Select<(int, int, int), Action<QueueModel>>(t => m =>
        {
            if (m.InstanceCount < 4)
                m.Join(t.Item1, t.Item2, isV1: t.Item3 == 0);
            m.Feed();
        });

    private static readonly Gen<Action<QueueModel>> Settle = Gen.Select(Gen.Int[0, 11], Gen.Int[0, 50], Gen.Int[0, 50])
        .Select<(int, int, int), Action<QueueModel>>(t => m =>
        {
            if (m.InstanceCount == 0)
                return;
            switch (t.Item1)
            {
                case 0: m.Nack(t.Item2, t.Item3, deadLetter: false); break;
                case 1: m.Nack(t.Item2, t.Item3, deadLetter: true); break;
                case 2: m.AckRevoked(t.Item2, t.Item3); break;
                case 3: m.Leave(t.Item2); break;
                case 4: m.AckUpTo(t.Item2, t.Item3); break;
                case 5: m.Rejoin(t.Item2, 1 + (t.Item3 % 6)); break;
                default: m.Ack(t.Item2, t.Item3); break;
            }

            m.Feed();
        });

    private static readonly Gen<Action<QueueModel>> Pass = Gen.Select(Gen.Int[0, 9], Gen.Int[1, 60])
        .Select<(int, int), Action<QueueModel>>(t => m =>
        {
            switch (t.Item1)
            {
                case 0: m.Restart(); break;
                case 1: m.Crash(); break;
                case 2: m.SaveFails(); break;
                case < 5: m.Save(); break;
                case < 7: m.Bury(); break;
                default: m.Tick(t.Item2); break;
            }

            m.Feed();
        });

    [Test]
    public void The_guarantees_of_delivery_hold_over_random_histories() =>
        Gen.Frequency((5, Publish), (1, Join), (6, Settle), (2, Pass)).Array[0, 120].Sample(
            steps =>
            {
                var model = new QueueModel();
                foreach (var step in steps)
                    step(model);
                model.SettleEverything();
            },
            iter: 3_000);
}
