using System.Buffers;

namespace Sequent.Protocol;

/// <summary>A growing list in an array of the shared pool. Spans and arrays taken from it end with the next growth.</summary>
internal sealed class PooledList<T> : IDisposable
    where T : unmanaged
{
    private T[] _items;

    public PooledList(int capacity) => _items = ArrayPool<T>.Shared.Rent(capacity);

    public int Count { get; private set; }

    /// <summary>How many items it can hold without growing.</summary>
    public int Capacity => _items.Length;

    public Span<T> Items => _items.AsSpan(0, Count);

    public ref T Last => ref _items[Count - 1];

    public void Add(T item)
    {
        Reserve(1)[0] = item;
        Count++;
    }

    public void Append(ReadOnlySpan<T> items)
    {
        items.CopyTo(Reserve(items.Length));
        Count += items.Length;
    }

    /// <summary>Gives at least <paramref name="length"/> items of free room; <see cref="Advance"/> takes them.</summary>
    public Span<T> Reserve(int length)
    {
        if (length > _items.Length - Count)
        {
            var doubled = Math.Min(2L * _items.Length, Array.MaxLength);
            var larger = ArrayPool<T>.Shared.Rent((int)Math.Max(doubled, checked(Count + length)));
            Items.CopyTo(larger);
            ArrayPool<T>.Shared.Return(_items);
            _items = larger;
        }

        return _items.AsSpan(Count);
    }

    public void Advance(int length) => Count += length;

    public void Truncate(int count) => Count = count;

    /// <summary>The array beneath, for those who cannot hold a span.</summary>
    public T[] GetArray() => _items;

    public void Dispose()
    {
        ArrayPool<T>.Shared.Return(_items);
        _items = [];
        Count = 0;
    }
}
