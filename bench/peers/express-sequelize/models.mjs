// The tables as Sequelize's models, with the bounds of the bench's schema as its validators.
import { DataTypes, Sequelize } from 'sequelize';
import { uuid7 } from '../fastify/uuid7.mjs';

const text = (max, min = 0) => ({ type: DataTypes.TEXT, allowNull: false, validate: { len: [min, max] } });
const whole = (max) => ({ type: DataTypes.INTEGER, allowNull: false, defaultValue: 0, validate: { isInt: true, min: 0, max } });
// Made anew for each column: Sequelize writes into what it is given.
const time = () => ({ type: DataTypes.DATE, allowNull: false });
const key = () => ({ type: DataTypes.UUID, primaryKey: true, defaultValue: uuid7 });

/** @returns the connection and its models. */
export function connect({ host, port, database }) {
  const sequelize = new Sequelize(database, 'bench', '', {
    host, port, dialect: 'postgres', logging: false, pool: { max: 20, min: 20 }, define: { timestamps: false, underscored: true },
  });
  const Author = sequelize.define('author', { id: key(), name: text(80, 1), email: text(320), bio: text(2000), createdAt: time() });
  const Post = sequelize.define('post', {
    id: key(), title: text(200, 1), body: text(20000),
    section: { type: DataTypes.TEXT, allowNull: false, validate: { isIn: [['news', 'essay', 'review', 'howto']] } },
    authorId: { type: DataTypes.UUID, allowNull: false, validate: { isUUID: 'all' } }, views: whole(2e9), likes: whole(2e9),
    words: whole(1e6), published: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    meta: { type: DataTypes.JSONB, allowNull: false }, createdAt: time(), updatedAt: time(),
    version: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 1 },
  });
  const Comment = sequelize.define('comment', {
    id: key(), postId: { type: DataTypes.UUID, allowNull: false }, name: text(80, 1), text: text(4000),
    approved: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false }, createdAt: time(),
  });
  const Event = sequelize.define('event', {
    position: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true }, eventId: DataTypes.UUID, model: DataTypes.TEXT,
    recordId: DataTypes.TEXT, version: DataTypes.INTEGER, kind: DataTypes.TEXT, data: DataTypes.JSONB, at: DataTypes.DATE,
  });
  Post.belongsTo(Author, { foreignKey: 'authorId' });
  Post.hasMany(Comment, { foreignKey: 'postId' });
  return { sequelize, Author, Post, Comment, Event };
}
