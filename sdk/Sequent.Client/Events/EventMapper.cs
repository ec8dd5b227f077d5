namespace Sequent.Client.Events;

/// <summary>Turns data into JSON and back, by the catalog's types.</summary>
internal sealed class EventMapper
{
    public object Read(RecordedEvent e) => throw new NotImplementedException();
}
