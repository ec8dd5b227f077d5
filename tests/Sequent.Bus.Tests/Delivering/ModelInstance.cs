using Sequent.Bus.Delivering;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>What the model knows of an instance; also its session.</summary>
internal sealed class ModelInstance : IDeliveryOutbox
{
    private readonly QueueModel _model;
    private readonly string _name;

    public ModelInstance(QueueModel model, string name, string[] takes, int window, int windowPerKey)
    {
        (_model, _name, Takes, Window, WindowPerKey) = (model, name, takes, window, windowPerKey);
        Instance = new Instance(this, TypeFilter.Of(takes), window, windowPerKey, 0);
    }

    public Instance Instance { get; }

    public string[] Takes { get; set; }

    public int Window { get; set; }

    public int WindowPerKey { get; }

    public bool IsV1 => Window == int.MaxValue;

    public bool HasAcked { get; set; }

    public bool IsGone { get; set; }

    public bool IsDraining { get; set; }

    public long LastDelivery { get; set; }

    public SortedDictionary<long, ModelEvent> Held { get; } = [];

    public List<long> Revoked { get; } = [];

    public long[]? ExpectedRevocation { get; set; }

    public void Deliver(Handover handover)
    {
        _model.Note($"-> {this} {handover}");
        _model.CheckDelivery(this, handover);
    }

    public void Revoke(IReadOnlyList<long> deliveries)
    {
        _model.Note($"-> {this} revoked {string.Join(',', deliveries)}");
        if (IsGone)
            return;
        if (ExpectedRevocation is null)
            _model.CheckExpired(this, deliveries);
        else
            Assert.That(deliveries, Is.EqualTo(ExpectedRevocation));
        ExpectedRevocation = null;
        foreach (var delivery in deliveries)
        {
            Held[delivery].GiveBack();
            Held.Remove(delivery);
            Revoked.Add(delivery);
        }
    }

    public override string ToString() => _name;

    public void Settle(long delivery)
    {
        Held[delivery].Settle();
        Held.Remove(delivery);
    }
}
